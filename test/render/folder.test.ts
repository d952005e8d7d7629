import { expect, test } from "vitest";
import type { Folder, FolderEntry } from "../../src/model/folder.ts";
import type { Address, Bytes, DatasetName, HostName, RemoteName } from "../../src/model/units.ts";
import { renderFolder } from "../../src/render/folder.ts";

const entry = (name: string, more: Partial<FolderEntry> = {}): FolderEntry => ({
  ...{ name, type: "file", mode: "0644", uid: 0, gid: 0, size: 5 as Bytes, modified: "2026-11-21T10:00:00Z" },
  ...more,
});
const folder: Folder = {
  formatVersion: 1,
  source: "nas:tank/home" as Address,
  place: "vault" as RemoteName,
  at: { host: "vault" as HostName, dataset: "tank/backups/home" as DatasetName },
  snapshot: "daily-20261122T000000Z",
  taken: "2026-11-22T00:00:00Z",
  path: "alice",
  entries: [],
};

test("as ls -l would show it; names cannot forge a line", () => {
  const { size: _, ...noFile } = entry("sub", { type: "folder", mode: "1777", uid: 1000, gid: 100 });
  const entries = [
    entry("a\n\u001b[31m\u202eb", { mode: "4711", size: 1_300_000 as Bytes }),
    noFile,
    { ...noFile, name: "soft", type: "link", mode: "0777", target: "../x\r" } as const,
    entry("odd", { mode: "6604" }),
  ];
  expect(renderFolder({ ...folder, entries }, { color: false })).toBe(
    `nas:tank/home alice  @daily-20261122T000000Z (on vault, vault:tank/backups/home), 2026-11-22 00:00:00Z
  -rws--x--x  0:0       1.2 MiB  2026-11-21 10:00:00Z  a\\n\\x1b[31m\\u202eb
  drwxrwxrwt  1000:100        -  2026-11-21 10:00:00Z  sub/
  lrwxrwxrwx  1000:100        -  2026-11-21 10:00:00Z  soft -> ../x\\x0d
  -rwS--Sr--  0:0           5 B  2026-11-21 10:00:00Z  odd
`,
  );
});

test("an empty folder says so", () => {
  const own = { ...folder, place: "source" as RemoteName, path: "" };
  expect(renderFolder(own, { color: false })).toBe(
    "nas:tank/home  @daily-20261122T000000Z (the source's own), 2026-11-22 00:00:00Z\n  (empty)\n",
  );
});
