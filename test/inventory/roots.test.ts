import { describe, expect, test } from "vitest";
import { listingRoots, tokenSources } from "../../src/inventory/roots.ts";
import { scopeOf } from "../../src/manifest/scope.ts";
import type { DatasetName, HostName } from "../../src/model/units.ts";
import { manifest, type Sketch } from "./manifests.ts";

/** `nas: tank/a tank/b; vault: *` */
function roots(sketch: Sketch, allHosts = false): string {
  const built = manifest(sketch);
  return [...listingRoots(built, scopeOf(built, { allHosts }))]
    .map(([host, listing]) => `${host}: ${listing.everything ? "*" : listing.roots.join(" ")}`)
    .join("; ");
}

const push = { vault: { host: "vault", root: "tank/backups/{host}" } };
const pull = { vault: { host: "vault", root: "tank/backups/{host}", mode: "pull" } } as const;
const all = ["nas", "web", "vault"];

describe("what is listed", () => {
  test.each<[string, Sketch, string]>([
    ["one dataset here", { self: "nas", hosts: ["nas"], datasets: { "nas:tank/data": [] } }, "nas: tank/data"],
    [
      "up to the first part that is a pattern",
      { self: "nas", hosts: ["nas"], datasets: { "nas:tank/vm/*": [], "nas:tank/{a,b}/c": [] } },
      "nas: tank",
    ],
    ["a pattern within a name", { self: "nas", hosts: ["nas"], datasets: { "nas:tank/vm/x*": [] } }, "nas: tank/vm"],
    ["any pool", { self: "nas", hosts: ["nas"], datasets: { "nas:*/data": [], "nas:tank": [] } }, "nas: *"],
    [
      "nothing twice, nothing nested",
      { self: "nas", hosts: ["nas"], datasets: { "nas:tank/a": [], "nas:tank/a/b": [], "nas:tank/ab": [] } },
      "nas: tank/a tank/ab",
    ],
    [
      "the copies in a second pool",
      { self: "nas", hosts: ["nas"], remotes: { usb: { root: "usb/backups" } }, datasets: { "nas:tank": ["usb"] } },
      "nas: tank usb/backups",
    ],
    [
      "push: the source and its own part of the remote",
      { self: "nas", hosts: all, remotes: push, datasets: { "{nas,web}:tank": ["vault"] } },
      "nas: tank; vault: tank/backups/nas",
    ],
    [
      "a remote that no entry uses is not asked",
      { self: "nas", hosts: all, remotes: push, datasets: { "nas:tank": [] } },
      "nas: tank",
    ],
    [
      "push, seen from the remote: nothing",
      { self: "vault", hosts: all, remotes: push, datasets: { "nas:tank": ["vault"] } },
      "",
    ],
    [
      "pull, seen from the remote: the sources too",
      { self: "vault", hosts: all, remotes: pull, datasets: { "{nas,web}:tank": ["vault"] } },
      "nas: tank; vault: tank/backups/nas tank/backups/web; web: tank",
    ],
    [
      "pull, seen from the source: it thins, so the copy counts",
      { self: "nas", hosts: all, remotes: pull, datasets: { "{nas,web}:tank": ["vault"] } },
      "nas: tank; vault: tank/backups/nas",
    ],
    [
      "a controller: everything",
      { self: null, hosts: all, remotes: push, datasets: { "{nas,web}:tank": ["vault"] } },
      "nas: tank; vault: tank/backups/nas tank/backups/web; web: tank",
    ],
    [
      "an exact target",
      { self: "nas", hosts: all, remotes: push, datasets: { "nas:tank": { vault: "pool/offsite" } } },
      "nas: tank; vault: pool/offsite tank/backups/nas",
    ],
    [
      "remotes from a policy",
      {
        self: "nas",
        hosts: all,
        remotes: push,
        policies: { standard: ["vault"] },
        datasets: { "nas:tank": ["standard"] },
      },
      "nas: tank; vault: tank/backups/nas",
    ],
    [
      "remotes that an enclosing entry hands down",
      { self: "nas", hosts: all, remotes: push, datasets: { "*:tank": ["vault"], "nas:tank/db": [] } },
      "nas: tank; vault: tank/backups/nas",
    ],
    [
      "unprotected: the sources' whole pools",
      { self: "nas", hosts: all, remotes: push, unprotected: true, datasets: { "nas:tank/a/b": ["vault"] } },
      "nas: tank; vault: tank/backups/nas",
    ],
    [
      "a host that is a source and a remote",
      { self: null, hosts: ["vault"], remotes: push, datasets: { "vault:tank": ["vault"] } },
      "vault: tank",
    ],
    ["a host pattern that matches nobody", { self: "nas", hosts: all, datasets: { "db*:tank": [] } }, ""],
  ])("%s", (_, sketch, expected) => {
    expect(roots(sketch).split("; ").sort().join("; ")).toBe(expected);
  });

  test("--all-hosts: as for a controller", () => {
    const sketch = { self: "nas", hosts: all, remotes: push, datasets: { "{nas,web}:tank": ["vault"] } };
    expect(roots(sketch, true)).toBe(roots({ ...sketch, self: null }));
  });
});

describe("where a half-received stream comes from", () => {
  test.each<[string, string, string[]]>([
    ["vault", "tank/backups/nas/tank/data", ["nas"]],
    ["vault", "tank/backups/web/tank", ["web"]],
    ["vault", "tank/backups/web2/tank", []],
    ["vault", "tank/other", []],
    ["vault", "pool/offsite/child", ["web"]],
    ["nas", "usb/backups/tank", ["nas"]],
    ["web", "usb/backups/tank", []],
  ])("%s:%s", (at, dataset, expected) => {
    const built = manifest({
      self: null,
      hosts: all,
      remotes: { ...push, usb: { root: "usb/backups" } },
      datasets: { "{nas,web}:tank": ["vault"], "nas:tank": ["usb"], "web:tank/x": { vault: "pool/offsite" } },
    });
    const scope = scopeOf(built, { allHosts: false });
    expect(tokenSources(built, scope, at as HostName, dataset as DatasetName)).toEqual(expected);
  });
});
