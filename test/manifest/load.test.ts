import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LoadOptions, loadManifest, warnOfReadableSecrets } from "../../src/manifest/index.ts";
import { line, now } from "./helpers.ts";

const good = "version: 1\ndatasets: { tank: { keep: { daily: 1 } } }\n";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-load-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): void {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function load(options: Partial<LoadOptions> = {}) {
  return loadManifest({ cwd: folder, env: {}, hostname: "nas", now, systemFolder: join(folder, "etc"), ...options });
}

describe("loading", () => {
  it("takes ./holdfast.yaml first", async () => {
    write("holdfast.yaml", good);
    write("etc/holdfast.yaml", "version: 2");
    const { manifest } = await load();
    expect(manifest?.datasets[0]?.place.file).toBe("holdfast.yaml");
  });

  it("then holdfast.yaml of the system's folder, alone", async () => {
    write("etc/holdfast.yaml", good);
    write("etc/other.yaml", "version: 2");
    const { manifest } = await load();
    expect(manifest?.datasets[0]?.place.file).toBe(join(folder, "etc/holdfast.yaml"));
  });

  it("then all of that folder", async () => {
    write("etc/a.yml", "version: 1");
    write("etc/b.yaml", "datasets: { tank: { keep: { daily: 1 } } }");
    expect((await load()).manifest?.datasets.length).toBe(1);
  });

  it("says where it looked", async () => {
    const { diagnostics } = await load();
    expect(diagnostics).toMatchObject([{ code: "no-manifest", hint: "give one with -f FILE or -f FOLDER" }]);
    expect(diagnostics[0]?.message).toContain("./holdfast.yaml");
  });

  it("does not pass over a manifest that it cannot read", async () => {
    mkdirSync(join(folder, "holdfast.yaml"));
    write("etc/holdfast.yaml", good);
    symlinkSync("loop", join(folder, "loop"));
    expect((await load({ path: "loop" })).diagnostics.map(line)).toEqual(["- unreadable"]);
  });

  it("takes a file as it was named, and paths from where it stands", async () => {
    write("conf/m.yaml", "version: 1\nhosts: { a: { identity: { file: keys/id } } }\n");
    const { manifest, secretFiles } = await load({ path: "conf/m.yaml" });
    expect([...(manifest?.hosts.values() ?? [])][0]?.identity).toEqual({ file: join(folder, "conf/keys/id") });
    expect(secretFiles).toEqual([
      { file: join(folder, "conf/keys/id"), place: { file: "conf/m.yaml", line: 2, column: 27 } },
    ]);
  });

  it("takes every *.yaml and *.yml of a folder, in order, and nothing else", async () => {
    write("conf/b.yaml", "zork: 1\n");
    write("conf/a.yml", "version: 1\nzork2: 1\n");
    write("conf/.hidden.yaml", "zork: 1\n");
    write("conf/note.txt", "zork: 1\n");
    write("conf/sub/c.yaml", "zork: 1\n");
    const { diagnostics } = await load({ path: "conf" });
    expect(diagnostics.map(line)).toEqual(["conf/a.yml:2:1 unknown-key", "conf/b.yaml:1:1 unknown-key"]);
  });

  it.each([
    ["nowhere.yaml", "no-manifest"],
    ["holdfast.yaml/x", "no-manifest"],
    ["empty", "empty-folder"],
    ["/dev/zero", "too-large"],
    ["/dev/null", "empty"],
  ])("refuses %s", async (path, code) => {
    write("holdfast.yaml", good);
    mkdirSync(join(folder, "empty"));
    const { manifest, diagnostics } = await load({ path });
    expect(manifest).toBeUndefined();
    expect(diagnostics.map((one) => one.code)).toEqual([code]);
  });

  it("asks --as, then HOLDFAST_AS, then the host name", async () => {
    write("holdfast.yaml", "version: 1\nhosts: { a: {}, b: {}, nas: {} }\n");
    const self = async (options: Partial<LoadOptions>) => (await load(options)).manifest?.self;
    expect(await self({ as: "a", env: { HOLDFAST_AS: "b" } })).toBe("a");
    expect(await self({ env: { HOLDFAST_AS: "b" } })).toBe("b");
    expect(await self({ env: { HOLDFAST_AS: "" } })).toBe("nas");
    expect(await self({ env: { HOLDFAST_AS: "none" } })).toBe(null);
  });
});

describe("secret files", () => {
  it("are warned of when others may read them, where they exist", async () => {
    write(
      "holdfast.yaml",
      "version: 1\nhosts:\n  a: { identity: { file: open, passphrase: { file: closed } } }\n  b: { identity: { file: gone } }\n",
    );
    write("open", "key");
    write("closed", "secret");
    chmodSync(join(folder, "open"), 0o640);
    chmodSync(join(folder, "closed"), 0o600);
    const { manifest, secretFiles } = await load();
    expect(manifest).toBeDefined();
    const warnings = await warnOfReadableSecrets(secretFiles);
    expect(warnings.map(line)).toEqual(["holdfast.yaml:3:20 warning readable-secret"]);
    expect(warnings[0]).toMatchObject({
      message: `${join(folder, "open")} holds a secret and others may read it (mode 640)`,
      hint: `chmod 600 ${join(folder, "open")}`,
    });
  });
});
