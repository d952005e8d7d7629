import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entriesFor, fingerprint, isKeyOfType, parseKnownHosts } from "../../src/transport/known-hosts.ts";
import { keygen, publicKey } from "../ssh/sshd.ts";

let directory = "";
let key = "";
let other = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "known-"));
  key = publicKey(keygen(join(directory, "a")));
  other = publicKey(keygen(join(directory, "b"), { type: "ecdsa" }));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const base64 = (line: string): string => line.split(" ")[1] ?? "";
const found = (text: string, address: string, port = 22): string[] =>
  entriesFor(parseKnownHosts(text, "known_hosts"), address, port).map(
    ({ marker, key: found, from }) => `${marker ?? ""}${found === base64(key) ? "key" : "other"} ${from.split(":")[1]}`,
  );

describe("known_hosts", () => {
  test.each<[string, string, string, number | undefined, string[]]>([
    ["a plain name", "nas KEY", "nas", undefined, ["key 1"]],
    ["any case", "NAS KEY", "nas", undefined, ["key 1"]],
    ["one of several", "a,nas,b KEY", "nas", undefined, ["key 1"]],
    ["another name", "nas2 KEY", "nas", undefined, []],
    ["a name is no prefix", "nas KEY", "nas2", undefined, []],
    ["a dot is a dot", "n.s KEY", "nas", undefined, []],
    ["star", "*.example.net KEY", "nas.example.net", undefined, ["key 1"]],
    ["star does not match less", "*.example.net KEY", "example.net", undefined, []],
    ["question mark", "nas? KEY", "nas1", undefined, ["key 1"]],
    ["negation", "*.example.net,!nas.example.net KEY", "nas.example.net", undefined, []],
    ["negation of another", "*.example.net,!nas.example.net KEY", "vault.example.net", undefined, ["key 1"]],
    ["negation alone matches nothing", "!nas KEY", "vault", undefined, []],
    ["a port", "[nas]:2222 KEY", "nas", 2222, ["key 1"]],
    ["another port", "[nas]:2222 KEY", "nas", 2223, []],
    ["a port is not 22", "[nas]:2222 KEY", "nas", 22, []],
    ["the plain name where the port is unknown", "nas KEY", "nas", 2222, ["key 1"]],
    ["the port where it is known", "nas KEY\n[nas]:2222 OTHER", "nas", 2222, ["other 2"]],
    ["IPv6", "fe80::1 KEY", "fe80::1", undefined, ["key 1"]],
    ["IPv6 with a port", "[fe80::1]:2222 KEY", "fe80::1", 2222, ["key 1"]],
    ["several keys", "nas KEY\nnas OTHER", "nas", undefined, ["key 1", "other 2"]],
    ["comments and blank lines", "# nas KEY\n\n  nas KEY  a comment", "nas", undefined, ["key 3"]],
    ["revoked", "@revoked * KEY\nnas OTHER", "nas", undefined, ["other 2", "revokedkey 1"].reverse()],
    ["revoked under the plain name, too", "[nas]:2222 KEY\n@revoked nas KEY", "nas", 2222, ["key 1", "revokedkey 2"]],
    ["an authority", "@cert-authority *.net KEY", "nas.net", undefined, ["cert-authoritykey 1"]],
    ["an unknown marker", "@trusted nas KEY", "nas", undefined, []],
    ["a line that is cut", "nas ssh-ed25519", "nas", undefined, []],
    ["another type than the key's own", "nas ssh-rsa BASE64", "nas", undefined, []],
    ["garbage", "nas ssh-ed25519 AAAA", "nas", undefined, []],
    ["Windows line ends", "nas KEY\r\nvault KEY\r\n", "nas", undefined, ["key 1"]],
  ])("%s", (_, text, address, port, expected) => {
    const file = text.replaceAll("KEY", key).replaceAll("OTHER", other).replaceAll("BASE64", base64(key));
    expect(found(file, address, port)).toEqual(expected);
  });

  test.each([
    ["nas.example.net", 22],
    ["nas", 2222],
    ["192.0.2.7", 22],
  ])("finds what ssh-keygen -H hashed: %s port %d", (address, port) => {
    const file = join(directory, `hashed-${address}`);
    const name = port === 22 ? address : `[${address}]:${port}`;
    writeFileSync(file, `${name} ${key}\nelsewhere ${other}\n`);
    execFileSync("ssh-keygen", ["-q", "-H", "-f", file], { stdio: "ignore" });
    const hashed = readFileSync(file, "utf8");
    expect(hashed).not.toContain(address);
    expect(found(hashed, address, port)).toEqual(["key 1"]);
    expect(found(hashed, `${address}x`, port)).toEqual([]);
    // ssh-keygen itself is of the same opinion.
    expect(spawnSync("ssh-keygen", ["-F", name, "-f", file]).status).toBe(0);
  });

  test("fingerprints are those that ssh-keygen prints", () => {
    const printed = execFileSync("ssh-keygen", ["-lf", join(directory, "a.pub")], { encoding: "utf8" });
    expect(printed).toContain(fingerprint(base64(key)));
  });

  test("a key's type is in the key", () => {
    expect(isKeyOfType("ssh-ed25519", base64(key))).toBe(true);
    expect(isKeyOfType("ssh-rsa", base64(key))).toBe(false);
    expect(isKeyOfType("ssh-ed25519", "")).toBe(false);
    expect(isKeyOfType("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5")).toBe(false);
  });
});
