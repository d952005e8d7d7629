import { describe, expect, it } from "vitest";
import { lines, parse, said, valid } from "./helpers.ts";

const remotes = `
  remotes:
    usb: { type: zfs, root: usb/backups }
    same: { type: zfs, root: tank/backups }
    vault: { type: zfs, host: vault, root: "tank/backups/{host}", deletions: never }
    disk: { type: restic, repository: /mnt/disk/restic, password: { file: p } }
    cloud: { type: restic, repository: "s3:https://s3.example.com/nas", password: { file: p } }
    own: { type: restic, repository: "rest:http://localhost:8000/", password: { file: p } }
  hosts: { nas: {}, vault: {} }
  mirrors: { second: { of: disk, repository: "sftp:vault:/srv/restic", password: { file: p }, deletions: never } }`;

const manifest = (require: string, sources: string): string => `
  version: 1
  require: ${require}${remotes}
  datasets: ${sources}`;

describe("verify", () => {
  it("is inherited whole: entry, policy, defaults", () => {
    const read = valid(`
      version: 1
      timezone: Europe/Berlin
      defaults: { keep: { daily: 7 }, verify: { schedule: "0 6 1 * *", within: 90d } }
      policies: { p: { verify: { sample: 1GiB } } }
      datasets:
        tank/a: {}
        tank/b: { policy: p }
        tank/c: { verify: {} }
      remotes: { r: { type: restic, repository: /srv/r, password: { file: p } } }
      directories:
        /etc: { remotes: { r: {} }, verify: { schedule: "0 6 * * 1", timezone: UTC } }`);
    const monthly = { schedule: "0 6 1 * *", timezone: "Europe/Berlin" };
    expect(read.defaults.verify).toEqual({ schedule: monthly, within: 90 * 86_400 });
    expect(read.policies.get("p")?.verify).toEqual({ sample: 2 ** 30 });
    expect(read.datasets.map(({ keys }) => keys.verify)).toEqual([undefined, undefined, {}]);
    expect(read.directories[0]?.keys.verify).toEqual({ schedule: { schedule: "0 6 * * 1", timezone: "UTC" } });
  });

  it.each([
    ['{ schedule: "0 6 1 *" }', "5:35 bad-schedule"],
    ["{ sample: 100 }", "5:33 bad-size"],
    ["{ within: 0d }", "5:33 bad-duration"],
    ["{ timezone: UTC }", "5:25 conflicting-keys"],
    ["{ every: 1d }", "5:25 unknown-key"],
  ])("refuses %s", (verify, problem) => {
    const text = `
      version: 1
      defaults: { keep: { daily: 7 } }
      datasets:
        tank/a:
          verify: ${verify}`;
    expect(
      lines(parse(text.replace("tank/a:\n          ", "tank/a: { ").concat(" }"))).map((one) => one.split(" ")[1]),
    ).toEqual([problem.split(" ")[1]]);
  });

  it("is told where it goes when it stands alone", () => {
    expect(said(parse('version: 1\nverify: { schedule: "0 6 1 * *" }\n'))).toEqual([
      'unknown key "verify" | drills of every source are set below defaults: `defaults: { verify: … }`',
    ]);
  });

  it("that comes less often than within asks for is said once, where it was written", () => {
    const text = `
      version: 1
      defaults: { keep: { daily: 7 }, verify: { schedule: "0 6 1 1 *", within: 90d } }
      datasets: { tank/a: {}, tank/b: {} }`;
    expect(lines(parse(text))).toEqual(["2:74 warning rare-drills"]);
  });
});

describe("require", () => {
  const short = (require: string, remotes: string): string[] =>
    said(parse(manifest(require, `{ "nas:tank/a": { keep: { daily: 7 }, remotes: ${remotes} } }`), { as: "nas" }))
      .filter((text) => text.includes("falls short"))
      .map((text) => text.replace(/^.*?: (.*) \|.*$/, "$1"));

  it.each([
    ["{ copies: 2 }", "{ usb: {} }", []],
    ["{ copies: 3 }", "{ usb: {} }", ["it is in 2 of the 3 places required"]],
    // in the source's own pool it is lost with it; a mirror is a copy
    ["{ copies: 2 }", "{ same: {} }", ["it is in 1 of the 2 places required"]],
    ["{ copies: 3 }", "{ disk: {} }", []],
    ["{ offsite: 1 }", "{ vault: {} }", []],
    ["{ offsite: 1 }", "{ usb: {}, own: {} }", ["0 of the 1 copies required are off site"]],
    ["{ offsite: 2 }", "{ cloud: {}, disk: {} }", []],
    ["{ immutable: 1 }", "{ vault: {} }", []],
    ["{ immutable: 1 }", "{ cloud: {} }", ["0 of the 1 copies required are immutable"]],
    ["{ verifiedWithin: 90d }", "{ usb: {} }", ["no drills are scheduled, and verifiedWithin asks for them"]],
  ])("%s with %s", (require, remotes, reasons) => {
    expect(short(require, remotes)).toEqual(reasons);
  });

  it("is only a warning: what protects too little is better than nothing", () => {
    const { manifest: read, diagnostics } = parse(
      manifest("{ copies: 9 }", '{ "nas:tank/a": { keep: { daily: 7 } } }'),
      {
        as: "nas",
      },
    );
    expect(read?.require).toEqual({ copies: 9 });
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([["warning", "falls-short"]]);
  });

  it("goes by what the manifest says of a remote's place", () => {
    const text = manifest("{ offsite: 1 }", '{ "nas:tank/a": { keep: { daily: 7 }, remotes: { vault: {} } } }');
    expect(lines(parse(text.replace("deletions: never }", "offsite: false }"), { as: "nas" }))).toHaveLength(1);
    const usb = text
      .replace("vault: {} } } }", "usb: {} } } }")
      .replace("root: usb/backups }", "root: usb/b, offsite: true }");
    expect(lines(parse(usb, { as: "nas" }))).toEqual([]);
  });

  it("leaves alone what is suspended and what others fill", () => {
    const sources =
      '{ "nas:tank/a": { keep: { daily: 7 }, suspend: true }, "nas:tank/b": { keep: { daily: 7 }, take: [] } }';
    expect(lines(parse(manifest("{ copies: 3 }", sources), { as: "nas" }))).toEqual([]);
  });

  it.each(["{}", "{ copies: 0 }", "{ copies: many }", "{ encrypted: yes }", "{ verifiedWithin: 90 }", "{ copys: 3 }"])(
    "refuses %s",
    (require) => {
      expect(parse(`version: 1\nrequire: ${require}\n`).manifest).toBeUndefined();
    },
  );
});
