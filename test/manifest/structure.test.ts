import { describe, expect, it } from "vitest";
import { lines, parse } from "./helpers.ts";

/** Each manifest, and every diagnostic it gets: line:column and code. */
const table: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
  ["the least there is", "version: 1", []],
  ["no version", "timezone: UTC", ["1:1 missing-key"]],
  ["another version", "version: 2", ["1:10 bad-value"]],
  ["version as text", 'version: "1"', ["1:10 bad-value"]],
  ["a list", "- version: 1", ["1:1 wrong-type"]],
  ["a word", "version", ["1:1 wrong-type"]],
  ["unknown keys, each where it stands", "version: 1\ndatasts: {}\nzork: 1", ["2:1 unknown-key", "3:1 unknown-key"]],
  [
    "keys of later versions in an entry",
    `
    version: 1
    datasets:
      tank:
        keep: { daily: 7 }
        priority: 3
    remotes:
      usb: { type: zfs, root: usb/b, hooks: [], limit: { download: 1MB/s } }
    `,
    ["7:34 not-supported", "7:54 not-supported"],
  ],
  [
    "remotes of later versions: one error each, and none for what refers to them",
    `
    version: 1
    remotes:
      cold: { type: archive }
      files: { type: rsync }
      photos: { type: rclone }
    datasets:
      tank: { keep: { daily: 7 }, remotes: { photos: { keep: { daily: 7 } }, cold: {} } }
    directories:
      /etc: { remotes: { photos: {} } }
    mirrors:
      second: { of: photos, repository: /srv/second, password: { file: y } }
    `,
    ["3:17 not-supported", "4:18 not-supported", "5:19 not-supported"],
  ],
  [
    "remotes without a type, with an unknown one, without a root",
    "version: 1\nremotes:\n  a: { root: x }\n  b: { type: zsf, root: x }\n  c: { type: zfs }\n  d: x",
    ["3:3 missing-key", "4:14 bad-value", "5:3 missing-key", "6:6 wrong-type"],
  ],
  [
    "lengths of time",
    `
    version: 1
    remotes:
      a: { type: zfs, root: a/b, maxAge: 30 }
      b: { type: zfs, root: b/b, maxAge: 30D }
      c: { type: zfs, root: c/b, maxAge: 1M }
      d: { type: zfs, root: d/b, maxAge: 0d }
      e: { type: zfs, root: e/b, maxAge: "" }
      f: { type: zfs, root: f/b, maxAge: 1d12h }
      g: { type: zfs, root: g/b, maxAge: -1d }
    `,
    [
      "3:38 bad-duration",
      "4:38 bad-duration",
      "5:38 bad-duration",
      "6:38 bad-duration",
      "7:38 bad-duration",
      "9:38 bad-duration",
    ],
  ],
  [
    "rates",
    `
    version: 1
    remotes:
      a: { type: zfs, root: a/b, limit: { upload: 20 } }
      b: { type: zfs, root: b/b, limit: { upload: 20MiB } }
      c: { type: zfs, root: c/b, limit: { upload: 20M/s } }
      d: { type: zfs, root: d/b, limit: { upload: 0B/s } }
      e: { type: zfs, root: e/b, limit: { upload: 1.5MB/s } }
      f: { type: zfs, root: f/b, limit: { download: 1MB/s } }
    `,
    ["3:47 bad-rate", "4:47 bad-rate", "5:47 bad-rate", "6:47 bad-rate", "8:39 not-supported"],
  ],
  [
    "keep: one error for each value",
    `
    version: 1
    datasets:
      tank:
        keep:
          hourly: many
          daily: -1
          weekly: 1.5
          monthly: { count: 3 }
          yearly: { count: 3, within: 48 }
    `,
    ["5:15 bad-keep", "6:14 bad-keep", "7:15 bad-keep", "8:7 missing-key", "9:35 bad-duration"],
  ],
  ["an empty keep", "version: 1\ndatasets:\n  tank: { keep: {} }", ["3:11 empty-value"]],
  [
    "keep and keepByTime in one place",
    "version: 1\ndatasets:\n  tank: { take: [daily], keep: { daily: 1 }, keepByTime: { last: 1 } }",
    ["3:46 conflicting-keys"],
  ],
  [
    "keepByTime: months are mo, minutes are nothing",
    `
    version: 1
    datasets:
      a: { take: [], keepByTime: { within: 1y5m } }
      b: { take: [], keepByTime: { within: 1y5mo7d2h } }
      c: { take: [], keepByTime: { within: 30m } }
      d: { take: [], keepByTime: {} }
      e: { take: [], keepByTime: { last: 0, daily: 0 } }
      f: { take: [], keepByTime: { minutely: 1 } }
    `,
    ["3:40 bad-duration", "5:40 bad-duration", "6:18 empty-value", "7:18 empty-value", "8:32 unknown-key"],
  ],
  [
    "properties are text",
    `
    version: 1
    remotes:
      a:
        type: zfs
        root: a/b
        properties:
          readonly: true
          copies: 2
          atime: "no"
          canmount: noauto
          "com.sun:auto-snapshot": "false"
          "com.sun:other": false
          holdfast:adopted: "on"
          UPPER: x
    `,
    [
      "7:17 bad-property",
      "8:15 bad-property",
      "9:14 bad-property",
      "12:24 bad-property",
      "13:7 bad-property",
      "14:7 bad-name",
    ],
  ],
  [
    "a property both set and excluded",
    "version: 1\nremotes:\n  a: { type: zfs, root: a/b, properties: { mountpoint: none }, excludeProperties: [mountpoint] }",
    ["3:84 conflicting-keys"],
  ],
  [
    "choices",
    "version: 1\nremotes:\n  a: { type: zfs, root: a/b, mode: pul, raw: yes, deletions: true, compress: gzip }",
    ["3:36 bad-value", "3:46 bad-value", "3:62 bad-value", "3:78 bad-value"],
  ],
  [
    "booleans are true and false",
    "version: 1\ndatasets:\n  tank: { keep: { daily: 1 }, recursive: yes, suspend: on }",
    ["3:42 wrong-type", "3:56 wrong-type"],
  ],
  ["nothing where a mapping belongs", "version: 1\nremotes:\ndatasets:\n  tank:", ["2:1 wrong-type", "4:3 wrong-type"]],
  [
    "secrets are references",
    `
    version: 1
    hosts:
      a: { identity: hunter2 }
      b: { identity: /root/.ssh/id }
      c: { identity: { file: x, passphrase: hunter2 } }
      d: { identity: { file: x, env: Y } }
      e: { identity: { env: "not a name" } }
      f: { identity: {} }
      g: { identity: { agent: false } }
      h: { identity: { command: pass } }
    `,
    [
      "3:8 inline-secret",
      "4:8 inline-secret",
      "5:29 inline-secret",
      "6:8 bad-value",
      "7:25 bad-name",
      "8:8 bad-value",
      "9:27 bad-value",
      "10:29 wrong-type",
    ],
  ],
  [
    "names",
    `
    version: 1
    snapshotTypes: { "a b": {}, -x: {} }
    hosts: { none: {}, -rf: {}, "$(id)": {} }
    remotes: { "a/b": { type: zfs, root: x }, "": { type: zfs, root: x } }
    policies: { "a b": {} }
    `,
    [
      "2:18 bad-name",
      "2:29 bad-name",
      "3:10 bad-name",
      "3:20 bad-name",
      "3:29 bad-name",
      "4:12 bad-name",
      "4:43 yaml",
      "5:13 bad-name",
    ],
  ],
  [
    "hosts",
    `
    version: 1
    hosts:
      a: { address: "-oProxyCommand=x" }
      b: { address: "host:22" }
      c: { address: "2001:db8::1" }
      d: { address: user@host }
      e: { port: 0, user: "-l", sudo: 1 }
      f: { hostKeys: ["ssh-ed25519 AAAAB3Nz", "nonsense"] }
      g: { hostKeys: ["ssh-ed25519 AAAAB3Nz"], knownHostsFile: x }
    `,
    [
      "3:17 bad-address",
      "4:17 bad-address",
      "6:17 bad-address",
      "7:14 bad-value",
      "7:23 bad-value",
      "7:35 wrong-type",
      "8:43 bad-host-key",
      "9:44 conflicting-keys",
    ],
  ],
  [
    "guards and unprotected",
    `
    version: 1
    guards: { destroyAtMost: { percent: 101, above: -1, totl: 1 } }
    unprotected: { report: on, ignore: tank }
    `,
    ["2:37 bad-value", "2:49 bad-count", "2:53 unknown-key", "3:24 bad-value", "3:36 wrong-type"],
  ],
  [
    "approvals: exactly one kind, with what it needs",
    `
    version: 1
    datasets: { tank: { keep: { daily: 1 } } }
    approvals:
      - { source: tank, destroy: 3 }
      - { source: tank, destroy: 3, orphan: tank/x, until: 2026-12-01 }
      - { source: tank, until: 2026-12-01 }
      - { destroy: 3, until: 2026-12-01 }
      - { source: tank, resolve: rollback, until: 2026-12-01 }
      - { source: tank, destroy: 0, until: tomorrow }
      - { source: tank, destroy: 1, until: 2026-02-30 }
    `,
    [
      "4:5 missing-key",
      "5:5 bad-value",
      "6:5 bad-value",
      "7:5 missing-key",
      "8:5 missing-key",
      "9:30 bad-value",
      "9:40 bad-date",
      "10:40 bad-date",
    ],
  ],
  [
    "the same twice in a list",
    "version: 1\ndatasets:\n  tank: { keep: { daily: 1 }, take: [daily, daily], pin: [oldest, newest] }",
    ["3:45 duplicate-item", "3:67 bad-value"],
  ],
];

describe("structure", () => {
  it.each(table)("%s", (_, text, expected) => {
    expect(lines(parse(text))).toEqual(expected);
  });

  it("says what is wrong, shows the line, and suggests the nearest key", () => {
    const { diagnostics } = parse("version: 1\ndatasets:\n  tank/vm: { recursiv: true, keep: { daily: 7 } }");
    expect(diagnostics).toEqual([
      {
        severity: "error",
        code: "unknown-key",
        message: 'unknown key "recursiv" in datasets."tank/vm"',
        hint: "did you mean recursive?",
        place: { file: "m.yaml", line: 3, column: 14 },
        excerpt: { text: "  tank/vm: { recursiv: true, keep: { daily: 7 } }", column: 14, length: 8 },
      },
    ]);
  });

  it.each([
    ["remotes: { a: { type: zfs, root: a/b, maxAge: 30 } }", "has no unit", undefined],
    [
      "remotes: { a: { type: zfs, root: a/b, properties: { readonly: true } } }",
      'the text "on"',
      'write `readonly: "on"`',
    ],
    ["remotes: { a: { type: rclone } }", "rclone are not supported yet", "later version"],
    ["remotes: { a: { type: restik } }", 'must be zfs or restic, not "restik"', "did you mean restic?"],
    ["remotes: { a: {} }", "needs the key type", "add `type: zfs` or `type: restic`"],
    ["zork: {}", 'unknown key "zork"', "known: version"],
    ["hosts: { a: { identity: ~/.ssh/id } }", "a reference", "write `identity: { file: ~/.ssh/id }`"],
    ["datasets: { tank: { keep: { daily: 7 }, recursive: yes } }", "true or false", "write `recursive: true`"],
    ["datasets: { tank: { keep: { daily: 7 }, take: daily } }", "a list", 'write `take: ["daily"]`'],
    ["remotes: { a: { type: zfs, root: a/b, mode: pul } }", 'push or pull, not "pul"', "did you mean pull?"],
    ["datasets: { tank: { take: [], keepByTime: { within: 30m } } }", "months are mo", undefined],
  ])("%s", (text, message, hint) => {
    const [first] = parse(`version: 1\n${text}`).diagnostics;
    expect(first?.message).toContain(message);
    if (hint !== undefined) expect(first?.hint).toContain(hint);
  });

  it.each([
    "hosts: { a: { identity: hunter2, port: x } }",
    'hosts: { a: { identity: { file: x, passphrase: "hunter2, too" } } }',
    "hosts:\n  a:\n    identity: hunter2, and more",
    "remotes: { b2: { type: restic, password: hunter2 } }",
    "remotes: { b2: { type: restic, repository: 'rest:http://me:hunter2@host/', pasword: x } }",
    "remotes: { usb: { type: zfs, root: 'rest:http://me:hunter2@host/', mode: 'sftp://me:hunter2@host/' } }",
    "remotes: { b2: { type: restic, repository: 'http://me:hunter2@host/', password: { file: x } } }",
    "remotes: { b2: { type: restic, repository: /x, password: { file: x }, environment: { B2_ACCOUNT_KEY: hunter2 } } }",
    "remotes: { b2: { type: restic, repository: /x, password: { file: x }, environment: { RESTIC_PASSWORD: hunter2 } } }",
    "datasets: { t: { keep: { daily: 1 }, hooks: [{ around: run, before: { http: { url: 'http://a:hunter2@b/' } } }] } }",
    "datasets: { t: { hooks: [{ around: run, before: { http: { url: x, headers: { Authorization: hunter2 } } } }] } }",
    "remotes:\n  b2:\n    type: restic\n    pasword: 1\n    AWS_SECRET_ACCESS_KEY: hunter2",
    "hosts: { a: { identity: { env: hunter2! } } }",
    "hosts: { a: { identity: { credential: hunter2/x } } }",
    "hosts: { a: { identity: [hunter2] } }",
    "password: hunter2 : x",
  ])("never shows a secret: %s", (text) => {
    const { diagnostics } = parse(`version: 1\n${text}`);
    expect(diagnostics).not.toEqual([]);
    expect(JSON.stringify(diagnostics)).not.toContain("hunter2");
  });
});

describe("what a misspelt key has may be a secret, and is not shown", () => {
  it.each([
    ["remotes: { r: { type: restic, repository: /x, pasword: hunter2 } }"],
    ["remotes: { r: { type: restic, repository: /x, pass: hunter2, extra: 1 } }"],
    ["remotes: { r: { type: restic, repository: /x, key: hunter2 } }"],
    ["remotes: { r: { type: restic, repository: /x, password: { fil: hunter2 } } }"],
    ["remotes: { r: { type: restic, repository: /x, password: { file: /x, value: [hunter2] } } }"],
    ["remotes: { r: { type: restic, repository: /x, pasword: { value: hunter2 } } }"],
    ["service: { tokn: hunter2 }"],
    ["notifications: [{ type: gotify, url: { file: /x }, tokn: hunter2 }]"],
    ["notifications: [{ type: ntfy, uri: hunter2 }]"],
    ["datasets: { tank/a: { pasword: hunter2 } }"],
    ["pass: hunter2"],
  ])("%s", (text) => {
    const { diagnostics } = parse(`version: 1\n${text}\n`);
    expect(diagnostics.map(({ code }) => code)).toContain("unknown-key");
    expect(JSON.stringify(diagnostics)).not.toContain("hunter2");
  });

  it("anything else is", () => {
    const { diagnostics } = parse("version: 1\nremotes: { r: { type: restic, repository: /x, kep: { daily: 3 } } }\n");
    expect(diagnostics.map(({ excerpt }) => excerpt?.text).join()).toContain("kep: { daily: 3 }");
  });
});

describe("what is only too large is said to be that", () => {
  it.each([
    ["datasets: { tank/a: { keep: { daily: 1000000000 } } }", "keep.daily must be 1000000 at most, not 1000000000"],
    [
      "remotes: { a: { type: zfs, root: a/b, maxAge: 99999999999999d } }",
      'remotes.a.maxAge must be of numbers with 6 digits at most, not "99999999999999d"',
    ],
    [
      "remotes: { a: { type: zfs, root: a/b, limit: { upload: 99999999999TiB/s } } }",
      'remotes.a.limit.upload must be of numbers with 9 digits at most, not "99999999999TiB/s"',
    ],
  ])("%s", (text, message) => {
    expect(
      parse(`version: 1\n${text}\n`)
        .diagnostics.map((one) => one.message)
        .join(),
    ).toContain(message);
  });
});

it.each(["remotes", "mirrors"])("%s cannot be called source, which means a source's own snapshots", (section) => {
  const { diagnostics } = parse(`version: 1\n${section}: { source: {} }\n`);
  expect(diagnostics.map(({ message }) => message).join()).toMatch(
    /"source" cannot be used here: .* and is not source/,
  );
});

describe("what is wrong with a name or a schedule is said of the whole of it", () => {
  it.each([
    ["datasets: { tank/🦊: { keep: { daily: 1 } } }", 'contains "🦊", which no dataset name can'],
    ["datasets: { tank/*🦊: { keep: { daily: 1 } } }", 'contains "🦊", which no dataset name can'],
    ['snapshotTypes: { often: { schedule: "" } }', "has no field where cron takes five"],
    ['snapshotTypes: { often: { schedule: " * " } }', "has one field where cron takes five"],
    ['datasets: { "": { keep: { daily: 1 } } }', "a key must not be empty"],
  ])("%s", (text, message) => {
    const { diagnostics } = parse(`version: 1\n${text}\n`);
    expect(diagnostics.map((one) => one.message).join()).toContain(message);
  });
});
