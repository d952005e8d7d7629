import type { Problem } from "./problem.ts";
import type { Path } from "./tree.ts";
import { dotted } from "./words.ts";

/** A secret written out. Never shows it; says what to write instead. */
export function inlineSecret(path: Path, data: string): Problem {
  const key = path.at(-1) ?? "";
  const looksLikePath = /^(~|\.{1,2})?\/[\w./-]{1,200}$/.test(data);
  return {
    code: "inline-secret",
    message: looksLikePath
      ? `${dotted(path)} must be a reference, not a path alone`
      : `${dotted(path)} is a secret and cannot stand in the manifest`,
    hint: `write \`${key}: { file: ${looksLikePath ? data : fileFor(path)} }\``,
    path,
    at: "key",
    secret: true,
  };
}

/** The same for text that has a password in it, such as `rest:https://USER:PASSWORD@host/`. */
export const inlinePassword = (path: Path): Problem => ({
  code: "inline-secret",
  message: `${dotted(path)} has a password in it and cannot stand in the manifest`,
  hint: `write \`${path.at(-1)}: { file: ${fileFor(path)} }\`, and the whole of it into that file`,
  path,
  at: "key",
  secret: true,
});

function fileFor(path: Path): string {
  const [section, name = ""] = path;
  const key = path.at(-1) ?? "";
  const isOfRepository = (section === "remotes" || section === "mirrors") && /^[\w.-]+$/.test(name);
  if (section === "notifications" || section === "heartbeats")
    return `/etc/holdfast/${path.includes("smtp") ? "smtp" : section.slice(0, -1)}.${/^[\w-]+$/.test(key) ? key : "secret"}`;
  const file = key === "identity" ? "id_ed25519" : isOfRepository ? `${name}.${key}` : key;
  return `/etc/holdfast/${file}`;
}
