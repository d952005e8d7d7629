import { visible } from "./text.ts";

/**
 * A command to paste into a shell, safe to show: what could hide or forge a part of it stands as `$'…'`, which bash, zsh,
 * ksh and busybox understand.
 */
export const shellLine = (words: readonly string[]): string => words.map(pasted).join(" ");

function pasted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (visible(word) === word) return `'${word.replaceAll("'", "'\\''")}'`;
  const characters = [...word].map((character) =>
    visible(character) === character ? plain(character) : bytes(character),
  );
  return `$'${characters.join("")}'`;
}

const plain = (character: string): string => character.replace(/['\\]/, "\\$&");

const bytes = (character: string): string =>
  [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
