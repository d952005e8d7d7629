/** One `key = value` of an INI file. */
export interface Setting {
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}
export interface Section {
  readonly name: string;
  readonly line: number;
  readonly settings: readonly Setting[];
}

/**
 * Reads INI as sanoid's reader does: names with dots and slashes as they are, a comment only where a line begins with # or ;,
 * several sections of one name as one, and of a key that comes twice the first. `strange`: lines that are none of that, and
 * repeated keys.
 */
export function readIni(text: string): { readonly sections: readonly Section[]; readonly strange: readonly number[] } {
  const sections = new Map<string, { name: string; line: number; settings: Setting[] }>();
  const strange: number[] = [];
  let current: Setting[] | undefined;
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    const [content, line] = [raw.trim(), index + 1];
    if (content === "" || /^[#;]/.test(content)) continue;
    const [, name] = /^\[\s*([^\]]*?)\s*\]$/.exec(content) ?? [];
    const [, key, value] = /^([^=]*?)\s*=\s*(.*)$/.exec(content) ?? [];
    if (name !== undefined) {
      const section = sections.get(name) ?? { name, line, settings: [] };
      sections.set(name, section);
      current = section.settings;
    } else if (key && current && !current.some((other) => other.key === key))
      current.push({ key, value: value ?? "", line });
    else strange.push(line);
  }
  return { sections: [...sections.values()], strange };
}
