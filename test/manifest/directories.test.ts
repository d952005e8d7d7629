import { describe, expect, it } from "vitest";
import { lines, parse, said, valid } from "./helpers.ts";

type Case = readonly [name: string, text: string, expected: readonly string[]];

const remotes = `
    remotes:
      usb: { type: zfs, root: usb/b }
      b2: { type: restic, repository: /srv/b2, password: { file: x } }
      rich: { type: restic, repository: /srv/rich, password: { file: x }, keep: { daily: 1, yearly: 1 } }
    mirrors: { m: { of: b2, repository: /srv/m, password: { file: x }, keep: { daily: 7, yearly: 9 } } }`;

const table: readonly Case[] = [
  [
    "names",
    `
    version: 1
    hosts: { nas: {}, other: {} }
    defaults: { keep: { daily: 1 } }${remotes}
    policies: { p: { remotes: { b2: {} } } }
    directories:
      etc: { policy: p }
      "~/x": { policy: p }
      "/home/*": { policy: p }
      "/srv/{a,b}": { policy: p }
      "/srv/../etc": { policy: p }
      "nsa:/etc": { policy: p }
      "*:/etc": { policy: p }
      "other:etc": { policy: p }
      "/a\\nb": { policy: p }
      "other:/etc": { policy: p }
      "/with space:and colon": { policy: p }
      /: { policy: p }
    `,
    [
      "11:3 bad-directory",
      "12:3 bad-directory",
      "13:3 bad-directory",
      "14:3 bad-directory",
      "15:3 bad-directory",
      "16:3 unknown-host",
      "17:3 bad-directory",
      "18:3 bad-directory",
      "19:3 bad-directory",
    ],
  ],
  [
    "one directory written twice",
    `
    version: 1
    hosts: { nas: {} }
    defaults: { keep: { daily: 1 } }${remotes}
    policies: { p: { remotes: { b2: {} } } }
    directories:
      /etc: { policy: p }
      /etc/: { policy: p }
      "nas:/./etc": { policy: p }
      "nas://": { policy: p }
      /: { policy: p }
    `,
    ["12:3 duplicate-entry", "13:3 duplicate-entry", "15:3 duplicate-entry"],
  ],
  [
    "keys that only datasets have",
    `
    version: 1${remotes}
    directories:
      /etc:
        recursive: true
        skip: [x]
        pin: [oldest]
        keep: { daily: 1 }
        remotes: { b2: { target: tank/etc } }
    datasets:
      tank: { keep: { daily: 1 }, stdin: [x] }
    `,
    ["9:5 unknown-key", "10:5 unknown-key", "11:5 unknown-key", "13:22 unknown-key", "15:31 unknown-key"],
  ],
  [
    "nothing that would keep it",
    `
    version: 1
    defaults: { keep: { daily: 1 } }${remotes}
    policies: { p: {}, q: { remotes: { usb: {} } }, r: { remotes: { usb: {}, b2: {} } }, s: { remotes: { b3: {} } } }
    directories:
      /a: {}
      /b: { remotes: {} }
      /c: { policy: p }
      /d: { policy: q }
      /e: { policy: r }
      /f: { remotes: { usb: {} } }
      /g: { remotes: { usb: {}, b2: {} } }
      /h: { remotes: { m: {} } }
      /i: { remotes: { b3: {} } }
      /j: { remotes: 5 }
      /k: { policy: s }
      /l: { policy: t }
    `,
    [
      "8:102 unknown-remote",
      "10:3 missing-remote",
      "11:3 missing-remote",
      "12:3 missing-remote",
      "13:3 missing-remote",
      "15:20 wrong-remote",
      "16:20 wrong-remote",
      "17:20 mirror-as-remote",
      "18:20 unknown-remote",
      "19:18 wrong-type",
      "21:17 unknown-policy",
    ],
  ],
  [
    "how much stays",
    `
    version: 1${remotes}
    policies: { p: { keep: { daily: 1 } }, q: {} }
    directories:
      /a: { remotes: { b2: {} } }
      /b: { remotes: { b2: { keep: { daily: 1 } } } }
      /c: { remotes: { rich: {} } }
      /d: { keep: { daily: 1 }, remotes: { b2: {} } }
      /e: { policy: p, remotes: { b2: {} } }
      /f: { policy: q, remotes: { b2: {}, rich: {} } }
      /g: { keep: { dialy: 1 }, remotes: { b2: {} } }
    `,
    ["9:3 missing-keep", "14:3 missing-keep", "15:17 unknown-type"],
  ],
  [
    "keep from defaults",
    `version: 1\ndefaults: { keep: { daily: 1 } }${remotes.replace(/\n {4}/g, "\n")}\ndirectories: { /etc: { remotes: { b2: {} } } }`,
    [],
  ],
  [
    "types that are kept and never taken",
    `
    version: 1
    snapshotTypes: { manual: {} }
    defaults: { keep: { hourly: 24, daily: 7 } }${remotes}
    policies: { p: { keep: { daily: 1, weekly: 1 } } }
    directories:
      /a: { take: [daily], remotes: { b2: {} } }
      /b: { take: [daily], keep: { daily: 7, hourly: 24 }, remotes: { b2: {} } }
      /c: { take: [daily], remotes: { b2: { keep: { daily: 7, monthly: 1, manual: 3 } } } }
      /d: { take: [daily], remotes: { rich: {} } }
      /e: { take: [daily, manual], policy: p, remotes: { b2: {} } }
      /f: { take: [], remotes: { rich: {} } }
      /g: { remotes: { rich: {}, b2: {} } }
      /h: { take: [manual], keep: { manual: 3 }, remotes: { b2: {} } }
      /i: { take: [dialy], remotes: { b2: {} } }
    `,
    ["12:67 never-taken", "13:59 never-taken", "14:35 never-taken", "15:54 never-taken", "19:16 unknown-type"],
  ],
  [
    "keepByTime does not say what to take",
    `
    version: 1${remotes}
    directories:
      /a: { keepByTime: { last: 1 }, remotes: { b2: {} } }
      /b: { keepByTime: { last: 1 }, take: [], remotes: { b2: {} } }
      /c: { keepByTime: { last: 1 }, remotes: { b2: {}, rich: {} } }
      /d: { remotes: { b2: { keepByTime: { last: 1 } } } }
      /e: { take: [daily], remotes: { b2: { keepByTime: { last: 1 } } } }
    `,
    ["8:3 needs-take", "11:3 needs-take"],
  ],
  [
    "the output of a command",
    `
    version: 1
    defaults: { keep: { daily: 1 } }${remotes}
    policies: { p: { files: { exclude: [x] }, remotes: { b2: {} } } }
    directories:
      /a: { policy: p, stdin: [pg_dumpall], expect: { shrinkAtMost: 20% } }
      /b: { policy: p, stdin: [pg_dumpall], expect: { minFiles: 1 }, files: { exclude: [x] } }
      /c: { policy: p, stdin: pg_dumpall --clean }
      /d: { policy: p, stdin: [] }
    `,
    ["11:51 conflicting-keys", "11:66 conflicting-keys", "12:27 bad-command", "13:20 bad-command"],
  ],
  [
    "expectations",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    datasets:
      tank/a: { expect: {} }
      tank/b: { expect: { minFiles: 0, shrinkAtMost: 0% } }
      tank/c: { expect: { minFiles: many, shrinkAtMost: 101% } }
      tank/d: { expect: { shrinkAtMost: 20 } }
      tank/e: { expect: { minFiles: 1, shrinkAtMost: 100% } }
    policies: { p: { expect: { minfiles: 10 } } }
    `,
    [
      "4:13 empty-value",
      "5:33 bad-count",
      "5:50 bad-percent",
      "6:33 bad-count",
      "6:53 bad-percent",
      "7:37 bad-percent",
      "9:28 unknown-key",
    ],
  ],
  [
    "which files",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    datasets:
      tank/a: { files: { include: [/srv, ../x, ".", a/./b/] } }
      tank/b: { files: { exclude: ["[a", "!", "a\\\\", "[^a-z]*", "!keep", "a\\\\[b"] } }
      tank/b2: { files: { exclude: ["[^]", "[a-]", "a[b/c]d", "[]a]", "[\\\\]]", "a]"] } }
      tank/c: { files: { excludeIfPresent: [.nobackup, "x/y", "a:b"], excludeLargerThan: 10 } }
      tank/d: { files: { excludeLargerThan: 0B, excludeCaches: on, oneFilesystem: true } }
    `,
    [
      "4:32 bad-path",
      "4:38 bad-path",
      "4:44 bad-path",
      "5:32 bad-pattern",
      "5:38 bad-pattern",
      "5:43 bad-pattern",
      "6:33 bad-pattern",
      "6:40 bad-pattern",
      "6:48 bad-pattern",
      "6:59 bad-pattern",
      "7:52 bad-pattern",
      "7:86 bad-size",
      "8:41 bad-size",
      "8:60 wrong-type",
      "8:64 unknown-key",
    ],
  ],
  [
    "hooks of sources",
    `
    version: 1
    defaults: { keep: { daily: 1 } }${remotes}
    policies: { p: { hooks: [{ around: snapshot, before: [x] }], remotes: { b2: {} } } }
    datasets:
      tank/a: { hooks: [{ around: remote, before: [x] }, { around: run }] }
      tank/b: { hooks: [{ around: snapshot, before: [x], after: [y], timeout: 60 }] }
    directories:
      /a: { policy: p }
      /b: { policy: p, hooks: [{ around: snapshot, before: [x] }, { around: backup, before: [x] }] }
    `,
    ["10:31 bad-value", "10:54 missing-key", "11:75 bad-duration", "14:38 bad-value"],
  ],
  [
    "a mount that is required",
    "version: 1\ndatasets: { tank: { keep: { daily: 1 }, requireMount: mnt/x } }",
    ["2:55 bad-path"],
  ],
  [
    "groups",
    `
    version: 1
    hosts: { nas: {}, other: {} }
    defaults: { keep: { daily: 1 } }
    datasets:
      "*:tank": { recursive: true }
      dozer: {}
    groups:
      - { sources: [tank/a, "nas:tank/b"] }
      - { sources: [tank/a, tank/c] }
      - { sources: [tank/d, tank/d] }
      - { sources: [tank/e, "other:tank/e"] }
      - { sources: [tank/f, dozer] }
      - { sources: [tank/g, pool/x] }
      - { sources: [tank/h] }
      - { sources: ["tank/*", tank/i] }
      - { sources: [/etc, tank/j] }
      - { source: [tank/k, tank/l] }
      - { sources: [5, tank/m] }
      - [tank/n, tank/o]
      - { sources: [dozer, dozer/x] }
    `,
    [
      "9:17 duplicate-item",
      "10:25 duplicate-item",
      "11:25 bad-group",
      "12:25 bad-group",
      "13:25 unknown-source",
      "13:25 bad-group",
      "14:7 bad-group",
      "15:17 bad-dataset",
      "16:17 bad-dataset",
      "17:7 unknown-key",
      "18:17 wrong-type",
      "19:5 wrong-type",
      "20:17 duplicate-item",
    ],
  ],
];

const one = (keys: string) =>
  valid(`
    version: 1
    remotes: { b2: { type: restic, repository: /srv/b2, password: { file: x } } }
    policies: { p: {} }
    directories: { /etc: { keep: { daily: 7 }, remotes: { b2: {} }, ${keys} } }
    `).directories[0];

describe("directories", () => {
  it.each(table)("%s", (_, text, expected) => {
    expect(lines(parse(text))).toEqual(expected);
  });

  const given =
    "version: 1\nremotes: { usb: { type: zfs, root: u/b }, b2: { type: restic, repository: /r, password: { file: x } } }";

  it.each([
    [
      `${given}\ndirectories: { /etc/: { keep: { daily: 1 } } }`,
      "nothing would keep nas:/etc: it has no remote of type restic, neither here nor in its policy | add `remotes: { b2: {} }`",
    ],
    [
      "version: 1\ndirectories: { /etc: { keep: { daily: 1 } } }",
      "nothing would keep nas:/etc: it has no remote of type restic, neither here nor in its policy | declare a remote of type restic and name it in remotes",
    ],
    [
      `${given}\ndirectories: { /etc: { keep: { daily: 1 }, remotes: { usb: {} } } }`,
      'remote usb is of type zfs and takes datasets, not a directory such as "/etc" | name one of b2',
    ],
    [
      `${given}\ndirectories: { /etc: { remotes: { b2: {} } } }`,
      '"/etc" has no keep for remote b2: not there, not here, not in its policy, not in defaults | say how much stays, such as `keep: { daily: 7, monthly: 12 }`',
    ],
    [
      `${given}\ndirectories: { /etc: { take: [daily], remotes: { b2: { keep: { weekly: 3 } } } } }`,
      "remote b2 keeps weekly of nas:/etc, which never takes it | add weekly to what the source takes (take, or its own keep), or leave it out here; take: [] says that somebody else takes them",
    ],
    [
      `${given}\ndirectories: { "/home/*": { keep: { daily: 1 }, remotes: { b2: {} } } }`,
      '"/home/*" is a pattern, and directories are named one by one | name each, or the directory above them and with `files: { include: [PATH] }` what is kept of it',
    ],
    [
      `${given}\ndirectories: { "elsewhere:/etc": { keep: { daily: 1 }, remotes: { b2: {} } } }`,
      'there is no host "elsewhere" | known: nas',
    ],
    [
      `${given}\ndirectories: { etc: { keep: { daily: 1 }, remotes: { b2: {} } } }`,
      '"etc" is no absolute path | write [HOST:]/PATH, such as /etc or nas01:/etc',
    ],
    [
      `${given}\ndirectories: { /etc: { skip: [x], keep: { daily: 1 }, remotes: { b2: {} } } }`,
      'unknown key "skip" in directories."/etc" | say with `files: { exclude: [PATTERN] }` what is left out of a directory',
    ],
    [
      `${given}\ndatasets: { /etc: { keep: { daily: 1 }, remotes: { b2: {} } } }`,
      '"/etc" begins with /: a dataset is named by its pool, not by where it is mounted | write [HOST:]DATASET, or give it an entry in directories',
    ],
    [
      `${given}\ndirectories: { /db: { stdin: [pg_dumpall], files: {}, keep: { daily: 1 }, remotes: { b2: {} } } }`,
      'directories."/db" keeps the output of a command, and files is about files | leave one of them out',
    ],
    [
      `${given}\ndatasets: { tank: { keep: { daily: 1 } }, dozer: { keep: { daily: 1 } } }\ngroups: [{ sources: [tank, dozer] }]`,
      "nas:tank and nas:dozer are in two pools: zfs takes one atomic snapshot of datasets of one pool only | make a group for each pool",
    ],
    [
      `${given}\ndatasets: { tank: { keep: { daily: 1 } } }\ngroups: [{ sources: [tank] }]`,
      "groups[0].sources must be a list of at least two datasets, such as [tank/app, tank/db]",
    ],
    [
      `${given}\ndatasets: { tank: { keep: { daily: 1 }, files: { include: [/srv] } } }`,
      '"/srv" is absolute, not relative to the source | write it from the source\'s own top, such as srv/www',
    ],
  ])("says what is wrong and what to write: %s", (text, ...expected) => {
    expect(said(parse(text))).toEqual(expected);
  });

  it("without host is for this machine, which --as none is not", () => {
    const text = `
    version: 1
    hosts: { nas01: {} }
    remotes: { b2: { type: restic, repository: "b2:x:", password: { file: x } } }
    directories: { /etc: { keep: { daily: 1 }, remotes: { b2: {} } } }
    `;
    expect(lines(parse(text, { as: "none" }))).toEqual(["4:16 needs-host"]);
    expect(valid(text)).toMatchObject({ self: "nas", controller: true, directories: [{ host: "nas", path: "/etc" }] });
    expect(valid(text, { as: "nas01" })).toMatchObject({ self: "nas01", directories: [{ host: "nas01" }] });
  });
});

describe("what the model holds", () => {
  it("of a directory only what it sets", () => {
    expect(one("policy: p")).toEqual({
      key: "/etc",
      host: "nas",
      path: "/etc",
      keys: {
        policy: "p",
        keep: { by: "type", types: new Map([["daily", { count: 7 }]]) },
        remotes: new Map([["b2", {}]]),
      },
      place: { file: "m.yaml", line: 4, column: 16 },
    });
  });

  it.each([
    ["take: [daily], maxAge: 26h, suspend: true", { take: ["daily"], maxAge: 26 * 3600, suspend: true }],
    ["stdin: [pg_dumpall, --clean]", { stdin: ["pg_dumpall", "--clean"] }],
    ["requireMount: /mnt/./x/", { requireMount: "/mnt/x" }],
    ["expect: { minFiles: 10, shrinkAtMost: 20% }", { expect: { minFiles: 10, shrinkAtMost: 20 } }],
    [
      "files: {}",
      { files: { include: [], exclude: [], excludeIfPresent: [], excludeCaches: false, oneFileSystem: false } },
    ],
    [
      "files: { include: [a/./b/], exclude: ['*.tmp', '!keep.tmp'], excludeIfPresent: [.nobackup], excludeCaches: true, excludeLargerThan: 10GiB, oneFileSystem: true }",
      {
        files: {
          include: ["a/b"],
          exclude: ["*.tmp", "!keep.tmp"],
          excludeIfPresent: [".nobackup"],
          excludeCaches: true,
          excludeLargerThan: 10 * 2 ** 30,
          oneFileSystem: true,
        },
      },
    ],
    [
      "hooks: [{ around: backup, before: [x] }]",
      { hooks: [{ around: "backup", before: { command: ["x"] }, timeout: 60, onFailure: "abort" }] },
    ],
  ])("of a directory with %s", (keys, expected) => {
    expect(one(keys)?.keys).toMatchObject(expected);
  });

  it("of datasets and policies the same", () => {
    const keys = "expect: { minFiles: 1 }, files: {}, hooks: [{ around: run, after: [x] }], requireMount: /x";
    const { datasets, policies } = valid(`
    version: 1
    policies: { p: { ${keys} } }
    datasets: { tank: { keep: { daily: 1 }, ${keys} } }
    `);
    const expected = {
      expect: { minFiles: 1 },
      files: { include: [] },
      hooks: [{ around: "run", after: { command: ["x"] } }],
      requireMount: "/x",
    };
    expect(policies.get("p")).toMatchObject(expected);
    expect(datasets[0]?.keys).toMatchObject(expected);
  });

  it("of groups", () => {
    const { groups } = valid(`
    version: 1
    datasets: { tank: { keep: { daily: 1 }, recursive: true } }
    groups: [{ sources: [tank/app, "nas:tank/db"] }]
    `);
    expect(groups).toEqual([{ sources: ["tank/app", "nas:tank/db"], place: { file: "m.yaml", line: 3, column: 10 } }]);
  });

  it("of approvals for directories", () => {
    const { approvals } = valid(`
    version: 1
    remotes: { b2: { type: restic, repository: /srv/b2, password: { file: x } } }
    directories: { /etc: { keep: { daily: 1 }, remotes: { b2: {} } } }
    approvals: [{ source: /etc/, remote: b2, destroy: 3, until: 2026-12-01 }]
    `);
    expect(approvals).toMatchObject([{ kind: "destroy", source: "nas:/etc", remote: "b2", destroy: 3 }]);
  });
});
