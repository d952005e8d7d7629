import { describe, expect, it } from "vitest";
import { lines, parse } from "./helpers.ts";

type Case = readonly [name: string, text: string, expected: readonly string[]];

/** Manifests that are well formed, and what is nevertheless wrong with them. */
const table: readonly Case[] = [
  [
    "schedules",
    `
    version: 1
    snapshotTypes:
      a: { schedule: "0 * * *" }
      b: { schedule: "0 0 30 2 *" }
      c: { schedule: "0 0 29 2 *" }
      d: { schedule: "@daily" }
      e: { schedule: "* * * * * *" }
      f: { schedule: "61 * * * *" }
      g: { schedule: "0 0 * * mon-fri", timezone: Australia/Lord_Howe }
      h: { schedule: "0 0 * * *", timezone: Europe/Atlantis }
      i: { schedule: "0 0 * * *", timezone: +01:00 }
    timezone: Nowhere
    `,
    [
      "3:18 bad-schedule",
      "4:18 bad-schedule",
      "6:18 bad-schedule",
      "7:18 bad-schedule",
      "8:18 bad-schedule",
      "10:41 bad-timezone",
      "11:41 bad-timezone",
      "12:11 bad-timezone",
    ],
  ],
  [
    "references, each with its nearest name",
    `
    version: 1
    hosts: { nas: { jump: bastoin }, bastion: {} }
    defaults: { host: { jump: nobody }, keep: { weekli: 1 } }
    remotes: { usb: { type: zfs, host: nsa, root: usb/b, keep: { dayly: 1 } } }
    datasets:
      tank: { policy: standart, take: [hourli], keep: { daily: 1 }, remotes: { usv: {} } }
    policies: { standard: {} }
    `,
    [
      "2:23 unknown-host",
      "3:27 unknown-host",
      "3:45 unknown-type",
      "4:36 unknown-host",
      "4:62 unknown-type",
      "6:19 unknown-policy",
      "6:36 unknown-type",
      "6:76 unknown-remote",
    ],
  ],
  [
    "hosts that are reached through themselves",
    "version: 1\nhosts: { nas: {}, a: { jump: b }, b: { jump: a }, c: { jump: a }, d: { jump: d } }",
    ["2:30 jump-loop", "2:46 jump-loop", "2:78 jump-loop"],
  ],
  [
    "no keep anywhere",
    `
    version: 1
    policies: { p: { keep: { daily: 1 } }, q: {} }
    datasets:
      tank: {}
      tank/a: { policy: p }
      tank/a/b: {}
      tank/c: { keep: { daily: 1 } }
      tank/c/d/e: { recursive: true }
      tank/q: { policy: q }
      "tank/vm/*": {}
      "tank/c/*": {}
    `,
    ["4:3 missing-keep", "9:3 missing-keep", "10:3 missing-keep"],
  ],
  [
    "no keep on one of the hosts",
    `
    version: 1
    hosts: { nas: {}, other: {} }
    datasets:
      "*:tank": {}
      nas:tank: { keep: { daily: 1 } }
    `,
    ["4:3 missing-keep"],
  ],
  ["keep from defaults", "version: 1\ndefaults: { keep: { daily: 1 } }\ndatasets: { tank: {} }", []],
  [
    "keep that was refused is not missing too",
    "version: 1\ndatasets:\n  tank: { kep: { daily: 1 } }\n  dozer: { keep: { dayly: 1 } }",
    ["3:11 unknown-key", "4:20 unknown-type"],
  ],
  [
    "keepByTime does not say what to take",
    `
    version: 1
    datasets:
      a: { keepByTime: { last: 1 } }
      b: { keepByTime: { last: 1 }, take: [] }
      c: { keepByTime: { last: 1 }, take: [daily] }
    `,
    ["3:8 needs-take"],
  ],
  [
    "a remote that keeps what its source never takes",
    `
    version: 1
    snapshotTypes: { manual: {} }
    remotes:
      usb: { type: zfs, root: usb/b }
      rich: { type: zfs, root: rich/b, keep: { daily: 1, yearly: 1 } }
    datasets:
      tank/a: { keep: { daily: 1 }, remotes: { usb: { keep: { daily: 1, monthly: 3 } } } }
      tank/b: { keep: { daily: 1 }, remotes: { usb: { keep: { daily: 1, monthly: 0, manual: 3 } } } }
      tank/c: { take: [], keep: { daily: 1 }, remotes: { usb: { keep: { monthly: 3 } } } }
      tank/d: { take: [daily, monthly], keep: { daily: 1 }, remotes: { usb: { keep: { monthly: 3 } } } }
      tank/e: { take: [daily], keep: { daily: 1, hourly: 1 }, remotes: { usb: { keep: { hourly: 1 } } } }
      tank/f: { keep: { daily: 1 }, remotes: { rich: {} } }
      tank/g: { keep: { daily: 1, hourly: 2 }, remotes: { usb: {} } }
      tank/h: { keep: { daily: 1, yearly: 0 }, remotes: { rich: {} } }
      tank/i: { keep: { daily: 1 }, remotes: { usb: { keepByTime: { yearly: 1 } } } }
    `,
    ["7:69 never-taken", "11:85 never-taken", "12:44 never-taken"],
  ],
  [
    "names of datasets",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    datasets:
      /tank/data: {}
      tank/: {}
      tank//x: {}
      tank/../x: {}
      tank@snap: {}
      tank#mark: {}
      "tank/a b": {}
      "tank/$(reboot)": {}
      "-rf": {}
      mirror1/x: {}
      "tank/[a": {}
      "tank/{a,b}": {}
      9tank: {}
      tank/x: { skip: ["/tank/x/y"], remotes: { r: { target: "a b@c" } } }
    remotes: { r: { type: zfs, root: "tank/{hots}" } }
    `,
    [
      "4:3 bad-dataset",
      "5:3 bad-dataset",
      "6:3 bad-dataset",
      "7:3 bad-dataset",
      "8:3 bad-dataset",
      "9:3 bad-dataset",
      "11:3 bad-dataset",
      "12:3 bad-dataset",
      "13:3 bad-dataset",
      "14:3 bad-dataset",
      "16:3 bad-dataset",
      "17:20 bad-dataset",
      "17:58 bad-dataset",
      "18:34 bad-dataset",
    ],
  ],
  [
    "names that grow too long",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    remotes: { r: { type: zfs, root: backups/of/everything }, short: { type: zfs, root: a } }
    datasets:
      tank/${"x".repeat(215)}: { remotes: { r: {} } }
      tank/${"y".repeat(150)}: { remotes: { r: {} } }
      tank/${"z".repeat(240)}: {}
      tank/${"w".repeat(220)}: { remotes: { short: { target: a/b } } }
      tank/${"v".repeat(227)}: {}
      tank/${"u".repeat(228)}: {}
    `,
    ["5:238 name-too-long", "7:3 name-too-long", "8:3 name-too-long", "10:3 name-too-long"],
  ],
  [
    "one entry written twice",
    "version: 1\nhosts: { nas: {} }\ndefaults: { keep: { daily: 1 } }\ndatasets:\n  tank: {}\n  nas:tank: {}",
    ["6:3 duplicate-entry"],
  ],
  [
    "a root that several hosts share",
    `
    version: 1
    hosts: { nas: {}, other: {}, vault: {} }
    defaults: { keep: { daily: 1 } }
    remotes:
      bad: { type: zfs, host: vault, root: tank/bad }
      good: { type: zfs, host: vault, root: "tank/good/{host}" }
      own: { type: zfs, root: tank/own }
      exact: { type: zfs, host: vault, root: tank/exact }
    datasets:
      "*:pool/data": { remotes: { bad: {}, good: {}, own: {} } }
      nas:pool/x: { remotes: { exact: { target: a/nas } } }
      other:pool/x: { remotes: { exact: { target: a/other } } }
    `,
    ["5:40 needs-host"],
  ],
  [
    "a root that one host of a pattern uses",
    `
    version: 1
    hosts: { nas1: {}, nas2: {}, vault: {} }
    defaults: { keep: { daily: 1 } }
    remotes: { r: { type: zfs, host: vault, root: tank/r } }
    datasets:
      "nas[1]:pool/data": { remotes: { r: {} } }
      "{nas2,nas3}:pool/data": {}
    `,
    [],
  ],
  [
    "two copies in one place",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    remotes:
      r: { type: zfs, root: backup }
      s: { type: zfs, root: backup }
    datasets:
      tank/a: { remotes: { r: { target: pool/x } } }
      tank/b: { remotes: { r: { target: pool/x } } }
      tank/c: { remotes: { r: { target: backup/tank/d } } }
      tank/d: { remotes: { r: {} } }
      tank/e: { remotes: { r: {}, s: {} } }
      tank/f: { remotes: { r: { target: pool/f } } }
      tank/f/g: {}
      tank/h: { remotes: { r: { target: pool/f/g } } }
    `,
    ["8:37 same-target", "10:24 same-target", "11:31 same-target", "14:37 same-target"],
  ],
  [
    "a policy's target is one target",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    remotes: { r: { type: zfs, root: backup } }
    policies: { p: { remotes: { r: { target: pool/x } } } }
    datasets:
      tank/a: { policy: p }
      tank/b: { policy: p }
    `,
    ["4:42 same-target"],
  ],
  [
    "a target of a pattern is one target",
    `
    version: 1
    hosts: { nas: {}, other: {}, vault: {} }
    defaults: { keep: { daily: 1 } }
    remotes: { r: { type: zfs, host: vault, root: backup }, own: { type: zfs, root: backup } }
    datasets:
      "*:tank/a": { remotes: { r: { target: pool/x } } }
      "*:tank/b": { remotes: { own: { target: pool/w } } }
      nas:tank/c/*: { remotes: { r: { target: pool/y } } }
      nas:tank/d: { remotes: { r: { target: pool/z } } }
      nas:tank/d/*: { recursive: true }
    `,
    ["6:41 same-target", "8:43 same-target"],
  ],
  [
    "a target that is a root, or the source itself",
    `
    version: 1
    defaults: { keep: { daily: 1 } }
    remotes: { r: { type: zfs, root: backup/here } }
    datasets:
      tank/a: { remotes: { r: { target: backup/here } } }
      tank/b: { remotes: { r: { target: tank/b } } }
    `,
    ["5:37 target-is-root", "6:37 target-is-source"],
  ],
  [
    "a root inside the recursion that fills it",
    `
    version: 1
    hosts: { nas: {}, vault: {} }
    defaults: { keep: { daily: 1 } }
    remotes:
      here: { type: zfs, root: tank/backups }
      there: { type: zfs, host: vault, root: tank/backups }
    datasets:
      tank: { recursive: true, remotes: { here: {} } }
      tank/flat: { recursive: false, remotes: { here: {} } }
      tank/backups/x: { suspend: true, remotes: {} }
    `,
    ["8:3 root-in-recursion"],
  ],
  [
    "a root that the recursion skips, is elsewhere, or is not reached",
    `
    version: 1
    hosts: { nas: {}, vault: {} }
    defaults: { keep: { daily: 1 } }
    remotes:
      here: { type: zfs, root: tank/backups }
      there: { type: zfs, host: vault, root: tank/backups }
    datasets:
      tank: { recursive: true, skip: ["tank/backups/**"], remotes: { here: {}, there: {} } }
    `,
    [],
  ],
  [
    "a target inside the recursion",
    "version: 1\nremotes: { r: { type: zfs, root: b/x } }\ndatasets:\n  tank: { recursive: true, keep: { daily: 1 }, remotes: { r: { target: tank/copy } } }",
    ["4:3 root-in-recursion"],
  ],
  [
    "patterns of types that tie",
    `
    version: 1
    snapshotTypes:
      a: { adopt: ["auto_*_hourly", "x-*"] }
      b: { adopt: ["auto_*_hourly"] }
      c: { adopt: ["auto_?*hourl*", "hourly-*"] }
      x: {}
      d: { adopt: ["auto-[0-9]-*"] }
      e: { adopt: ["auto-[a-z]-*"] }
      f: { adopt: ["auto-[5-9]-*"] }
      g: { adopt: ["auto_*_hourly-*"] }
    `,
    ["3:33 ambiguous-types", "4:16 ambiguous-types", "5:33 ambiguous-types", "9:16 ambiguous-types"],
  ],
  [
    "approvals",
    `
    version: 1
    hosts: { nas: {}, vault: {} }
    defaults: { keep: { daily: 1 } }
    remotes:
      vault: { type: zfs, host: vault, root: "tank/b/{host}" }
      usb: { type: zfs, root: usb/b }
    datasets:
      tank: { recursive: true, remotes: { vault: {} } }
    approvals:
      - { source: tank/data, destroy: 3, until: 2026-12-01 }
      - { source: "nas:tank", destroy: 3, until: 2026-11-21 }
      - { source: "nas:dozer", destroy: 3, until: 2026-12-01 }
      - { source: "nas:tank/*", destroy: 3, until: 2026-12-01 }
      - { source: "nsa:tank", destroy: 3, until: 2026-12-01 }
      - { source: tank, remote: usb, resolve: rollback, until: 2026-12-01 }
      - { source: tank, remote: vualt, resolve: replace, until: 2026-12-01 }
      - { orphan: "vault:tank/b/gone/x", until: 2026-12-01 }
      - { orphan: "vault:tank/other/x", until: 2026-12-01 }
      - { orphan: "vault:tank/b/gone/x", source: tank, until: 2026-12-01 }
    `,
    [
      "11:46 warning lapsed-approval",
      "12:15 unknown-source",
      "13:15 bad-dataset",
      "14:15 unknown-source",
      "14:15 warning not-a-host",
      "15:29 unknown-copy",
      "16:29 unknown-remote",
      "18:15 warning unknown-orphan",
      "19:38 conflicting-keys",
    ],
  ],
  [
    "a host that is misspelt",
    "version: 1\nhosts: { nas: {} }\ndefaults: { keep: { daily: 1 } }\ndatasets: { nsa:tank: {}, 'tank/with:colon': {} }",
    ["4:13 warning not-a-host"],
  ],
];

describe("meaning", () => {
  it.each(table)("%s", (_, text, expected) => {
    expect(lines(parse(text))).toEqual(expected);
  });

  it("names both places", () => {
    const { diagnostics } = parse(`
    version: 1
    remotes: { here: { type: zfs, root: tank/backups } }
    datasets:
      tank: { recursive: true, keep: { daily: 1 }, remotes: { here: {} } }
    `);
    expect(diagnostics).toMatchObject([
      {
        message:
          "nas:tank is recursive and contains tank/backups, where remote here keeps its copies: they would be copied too",
        hint: 'add `skip: ["tank/backups/**"]`, or choose a root elsewhere',
        place: { line: 4, column: 3 },
        related: [{ place: { line: 2, column: 31 }, message: "the root" }],
      },
    ]);
  });

  it.each([
    ["hosts: { nas01: {} }\nremotes: { r: { type: zfs, host: nas1, root: x } }", "did you mean nas01?"],
    ["timezone: europe/berlin2", "did you mean Europe/Berlin?"],
    ["datasets: { tank: { keep: { houry: 1 } } }", "did you mean hourly?"],
  ])("suggests what was meant: %s", (text, hint) => {
    expect(parse(`version: 1\n${text}`, { as: "none" }).diagnostics.map((one) => one.hint)).toContain(hint);
  });
});
