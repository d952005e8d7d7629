import { describe, expect, it } from "vitest";
import type { HostName, RemoteName, TypeName } from "../../src/model/units.ts";
import { valid } from "./helpers.ts";

const remote = (keys: string) =>
  valid(`version: 1\nremotes: { r: { type: zfs, root: usb/b, ${keys} } }`).remotes.get("r" as RemoteName);
const type = (name: string, text: string) => valid(`version: 1\n${text}`).snapshotTypes.get(name as TypeName);
const host = (name: string, text: string) => valid(`version: 1\n${text}`).hosts.get(name as HostName);
const entry = (keys: string) => valid(`version: 1\ndatasets: { tank: { take: [], ${keys} } }`).datasets[0]?.keys;

describe("what the model holds", () => {
  it("of nothing but a version", () => {
    expect(valid("version: 1")).toMatchObject({
      self: "nas",
      controller: false,
      timezone: "UTC",
      defaults: {},
      datasets: [],
      guards: { destroyAtMost: { percent: 50, above: 5, total: 500 } },
      approvals: [],
      notifications: [],
      heartbeats: [],
    });
    expect(valid("version: 1").unprotected).toBeUndefined();
  });

  it("of the types that are always there", () => {
    const schedules = [...valid("version: 1\ntimezone: Europe/Berlin").snapshotTypes.values()];
    expect(schedules.map(({ name, schedule, timezone }) => [name, schedule, timezone])).toEqual([
      ["hourly", "0 * * * *", "Europe/Berlin"],
      ["daily", "0 0 * * *", "Europe/Berlin"],
      ["weekly", "0 0 * * 1", "Europe/Berlin"],
      ["monthly", "0 0 1 * *", "Europe/Berlin"],
      ["yearly", "0 0 1 1 *", "Europe/Berlin"],
    ]);
  });

  it("of types that are redeclared, new, or taken by hand", () => {
    expect(type("hourly", 'snapshotTypes: { hourly: { adopt: ["auto-*"] } }')).toEqual({
      name: "hourly",
      schedule: "0 * * * *",
      timezone: "UTC",
      adopt: ["auto-*"],
    });
    expect(type("daily", 'snapshotTypes: { daily: { schedule: "30 2 * * *" } }')).toMatchObject({
      schedule: "30 2 * * *",
      adopt: [],
    });
    expect(
      type("quarter", 'snapshotTypes: { quarter: { schedule: "*/15 * * * *", timezone: UTC } }\ntimezone: Asia/Tokyo'),
    ).toMatchObject({ timezone: "UTC" });
    expect(type("critical", "snapshotTypes: { critical: {} }")).toEqual({
      name: "critical",
      timezone: "UTC",
      adopt: [],
    });
  });

  it("of a remote that says nothing", () => {
    expect(remote("")).toEqual({
      name: "r",
      type: "zfs",
      root: "usb/b",
      mode: "push",
      deletions: "allow",
      raw: "auto",
      properties: { readonly: "on", canmount: "noauto" },
      excludeProperties: [],
      withProperties: true,
      compress: "off",
      removable: false,
      whileAway: "freeze",
    });
  });

  it.each([
    ["removable: true", { removable: true, whileAway: "thin" }],
    ["removable: true, whileAway: freeze", { whileAway: "freeze" }],
    ["properties: { atime: off }", { properties: { atime: "off" } }],
    ["properties: {}", { properties: {} }],
    ["limit: { upload: 20MiB/s }", { limit: { upload: 20 * 2 ** 20 } }],
    ["limit: { upload: 1.5MB/s }", { limit: { upload: 1_500_000 } }],
    ["maxAge: 26h", { maxAge: 26 * 3600 }],
    ["maxAge: 60s", { maxAge: 60 }],
    ["maxAge: 15m", { maxAge: 900 }],
    ["maxAge: 6mo", { maxAge: 180 * 86_400 }],
    ["maxAge: 2w", { maxAge: 14 * 86_400 }],
    ["maxAge: 1y", { maxAge: 365 * 86_400 }],
    ["maxAge: 1d12h", { maxAge: 36 * 3600 }],
    ["keep: { daily: 60 }", { keep: { by: "type", types: new Map([["daily", { count: 60 }]]) } }],
  ])("of a remote with %s", (keys, expected) => {
    expect(remote(keys)).toMatchObject(expected);
  });

  it.each([
    ["keep: { daily: 7 }", { by: "type", types: new Map([["daily", { count: 7 }]]) }],
    ["keep: { daily: 0 }", { by: "type", types: new Map([["daily", { count: 0 }]]) }],
    ["keep: { daily: all }", { by: "type", types: new Map([["daily", { count: Number.POSITIVE_INFINITY }]]) }],
    [
      "keep: { hourly: { count: 24, within: 48h } }",
      { by: "type", types: new Map([["hourly", { count: 24, within: 48 * 3600 }]]) },
    ],
    [
      "keepByTime: { last: 5, daily: 30, within: 1y5mo2w7d2h }",
      { by: "time", last: 5, daily: 30, within: { years: 1, months: 5, days: 21, hours: 2 } },
    ],
  ])("of %s", (keys, expected) => {
    expect(entry(keys)?.keep).toEqual(expected);
  });

  it("of an entry only what it sets, so that the rest can be inherited", () => {
    expect(entry("keep: { daily: 1 }")).toEqual({
      take: [],
      keep: { by: "type", types: new Map([["daily", { count: 1 }]]) },
    });
    expect(entry("keep: { daily: 1 }, recursive: false, suspend: false, pin: [], skip: [], remotes: {}")).toMatchObject(
      {
        recursive: false,
        suspend: false,
        pin: [],
        skip: [],
        remotes: new Map(),
      },
    );
  });

  it("of hosts, with what defaults.host says", () => {
    const hosts = `
    hosts:
      plain: {}
      full:
        address: 192.0.2.1
        port: 2222
        user: root
        identity: { file: keys/id, passphrase: { command: [pass, show, x] } }
        hostKeys: ["ssh-ed25519   AAAAB3Nz  somebody@somewhere"]
        jump: plain
        sudo: false
    defaults: { host: { user: holdfast, port: 22022, identity: { file: ~/.ssh/id }, knownHostsFile: known, sudo: true, jump: plain } }
    `.replace(/\n {4}/g, "\n");
    expect(host("plain", hosts)).toEqual({
      name: "plain",
      local: false,
      address: "plain",
      port: 22022,
      user: "holdfast",
      identity: { file: "/home/me/.ssh/id" },
      hostKeys: [],
      knownHostsFile: "/etc/holdfast/known",
      sudo: true,
    });
    expect(host("full", hosts)).toEqual({
      name: "full",
      local: false,
      address: "192.0.2.1",
      port: 2222,
      user: "root",
      identity: { file: "/etc/holdfast/keys/id", passphrase: { command: ["pass", "show", "x"] } },
      hostKeys: ["ssh-ed25519 AAAAB3Nz"],
      jump: "plain",
      sudo: false,
    });
    expect(host("a", "hosts: { a: {} }")).toMatchObject({ user: "me", port: 22, sudo: false });
  });

  it("of approvals: whole addresses, and the end of their last day where the manifest is", () => {
    const text = (timezone: string) => `
    version: 1
    timezone: ${timezone}
    remotes: { vault: { type: zfs, root: b/b } }
    datasets: { tank: { keep: { daily: 1 }, remotes: { vault: {} } } }
    approvals:
      - { source: tank, destroy: 3, until: 2026-12-01 }
      - { source: "nas:tank", remote: vault, resolve: rollback, until: "2026-12-01" }
      - { orphan: b/b/gone, until: 2026-12-01 }
    `;
    const end = (timezone: string) =>
      valid(text(timezone)).approvals.map(({ until }) => new Date(until * 1000).toISOString());
    expect(end("UTC")).toEqual(Array(3).fill("2026-12-02T00:00:00.000Z"));
    expect(end("Europe/Berlin")).toEqual(Array(3).fill("2026-12-01T23:00:00.000Z"));
    expect(end("Australia/Lord_Howe")).toEqual(Array(3).fill("2026-12-01T13:00:00.000Z"));
    expect(valid(text("UTC")).approvals).toMatchObject([
      { kind: "destroy", source: "nas:tank", destroy: 3, untilText: "2026-12-01", place: { line: 6, column: 5 } },
      { kind: "resolve", source: "nas:tank", remote: "vault", resolve: "rollback" },
      { kind: "orphan", orphan: "nas:b/b/gone" },
    ]);
  });

  it("of datasets nobody speaks of", () => {
    expect(valid('version: 1\nunprotected: { ignore: ["*:tank/**", tank/x] }').unprotected).toEqual({
      report: "warn",
      ignore: [
        { host: "*", dataset: "tank/**" },
        { host: "nas", dataset: "tank/x" },
      ],
    });
    expect(valid("version: 1\nunprotected: { report: off }").unprotected).toEqual({ report: "off", ignore: [] });
  });
});
