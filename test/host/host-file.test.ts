import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { forbidden, readHostFile } from "../../src/host/host-file.ts";
import { newPowers, powersOf } from "../../src/host/powers.ts";
import { valid } from "../manifest/helpers.ts";

const { uid } = userInfo();
let folder = "";
const file = (): string => join(folder, "host.yaml");
const write = (text: string): void => writeFileSync(file(), text, { mode: 0o644 });
const read = () => readHostFile(file(), [uid]);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-host-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const manifest = valid(`
  version: 1
  hosts:
    nas: {}
    vault: { address: vault.example.net, port: 2222, identity: { command: [pass, show, key] }, knownHostsFile: /k }
  remotes:
    vault: { type: zfs, host: vault, root: "tank/{host}" }
    usb: { type: zfs, root: usb/b }
    b2:
      type: restic
      repository: s3:https://s3.example.com/fleet
      password: { command: [pass, show, b2] }
      hooks: [{ around: remote, before: [mount, /mnt/usb] }]
    secret: { type: restic, repository: { file: /etc/where }, password: { env: P } }
  datasets:
    "nas:tank/a":
      keep: { daily: 1 }
      hooks:
        - { around: snapshot, before: [systemctl, stop, my app], after: { http: { url: "https://example.net/x", method: POST } } }
      remotes: { vault: { target: pool/exact }, usb: {} }
  directories:
    "nas:/var/lib/pg": { stdin: [pg_dumpall], keep: { daily: 1 }, remotes: { b2: {}, secret: {} } }
`);

describe("what a manifest can make a machine do", () => {
  test("is found wherever it stands", () => {
    expect(powersOf(manifest)).toEqual({
      hooks: ["http POST https://example.net/x", "mount /mnt/usb", "systemctl stop 'my app'"],
      commands: ["pass show b2", "pass show key", "pg_dumpall"],
      destinations: ["local:usb/b", "vault.example.net:2222:pool/exact", "vault.example.net:2222:tank/{host}"],
      repositories: ["file /etc/where", "s3:https://s3.example.com/fleet"],
    });
  });

  test("and what of it is new is told", () => {
    expect(newPowers(manifest, manifest)).toEqual([]);
    expect(newPowers(valid("version: 1"), manifest)).toContain("hook: mount /mnt/usb");
    expect(newPowers(valid("version: 1"), manifest)).toHaveLength(11);
    expect(newPowers(manifest, valid("version: 1"))).toEqual([]);
  });
});

describe("a host file", () => {
  const denied = (text: string): string[] => {
    write(`version: 1\n${text}`);
    const policy = read();
    return forbidden(manifest, policy ? [policy] : []).map(({ message }) => message.replace(file(), "F"));
  };

  test.each([
    ["allows everything that it does not speak of", "", 0],
    ["none of a kind", "hooks: none", 3],
    ["any of a kind", "hooks: any", 0],
    ["some of a kind", 'hooks: ["mount /mnt/usb"]', 2],
    ["patterns, in which only * is special", 'destinations: ["vault.example.net:2222:*", "local:usb/b"]', 0],
    ["what looks like a pattern to others", 'destinations: ["vault.example.net:2222:tank/{host}"]', 2],
    ["all of a value or nothing", 'repositories: ["s3:https://s3.example.com/fle", "file *"]', 1],
    ["all kinds together", "hooks: none\ncommands: []\ndestinations: none\nrepositories: none", 11],
  ])("%s", (_, text, count) => expect(denied(text)).toHaveLength(count));

  test("says what is not allowed, and where", () => {
    expect(denied('commands: ["pass show *"]')).toEqual(['F does not allow the command "pg_dumpall" on this machine']);
  });

  test("that is not there forbids nothing", () => {
    expect(read()).toBeUndefined();
    expect(forbidden(manifest, [])).toEqual([]);
  });

  test.each([
    ["hook: none", /unknown key "hook"/],
    ["hooks: never", /hooks is not any, none/],
    ["hooks: [", /is not YAML/],
    ["hooks: none\nhooks: any", /is not YAML/],
  ])("with %j is refused", (text, message) => {
    write(`version: 1\n${text}`);
    expect(read).toThrow(message);
  });

  test("that others could have written, or put there, is refused", () => {
    write("version: 1");
    expect(read()).toBeDefined();
    chmodSync(file(), 0o664);
    expect(read).toThrow(/others may write/);
    chmodSync(file(), 0o644);
    chmodSync(folder, 0o777);
    expect(read).toThrow(/others may write/);
    chmodSync(folder, 0o755);
    expect(() => readHostFile(file(), [uid + 1])).toThrow(/belongs to somebody else/);
    mkdirSync(join(folder, "real"));
    rmSync(file());
    writeFileSync(join(folder, "real", "host.yaml"), "version: 1");
    symlinkSync("real/host.yaml", file());
    expect(read).toThrow(/not a plain file/);
  });

  test.runIf(uid === 0)("of a user is not root's", () => {
    write("version: 1");
    chownSync(file(), 1234, 1234);
    expect(read).toThrow(/belongs to somebody else \(uid 1234\)/);
  });
});
