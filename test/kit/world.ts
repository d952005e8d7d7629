import type { Facts } from "../../src/kit/facts.ts";
import { layoutOf, makeKit } from "../../src/kit/index.ts";
import type { ParseOptions } from "../../src/manifest/index.ts";
import type { Dataset, Inventory, RepositoryCopy } from "../../src/model/inventory.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { RecoveryKit } from "../../src/model/recovery-kit.ts";
import type { Bytes, DatasetName, EpochSeconds, Guid, HostName, RepositoryKey, Txg } from "../../src/model/units.ts";
import { parse } from "../manifest/helpers.ts";

/** A NAS whose copies are on another machine, on a disk, and in two repositories, of which one cannot be reached. */

const now = (Date.UTC(2026, 10, 22, 3, 10) / 1000) as EpochSeconds;

const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJsx8H0pRPyqcXlWOPoB0qkzGOlsHfA1xLe5kUDKD0cH";

export const manifestText = `
  version: 1
  hosts:
    nas: {}
    gate: { address: gate.example.net, user: jump, hostKeys: ["ssh-ed25519 ${KEY}"], identity: { agent: true } }
    vault:
      address: vault.example.net
      port: 2222
      user: backup
      jump: gate
      hostKeys: ["ssh-ed25519 ${KEY}"]
      identity: { file: /etc/holdfast/id_ed25519, passphrase: { command: [pass, show, "ssh key"] } }
  remotes:
    vault: { type: zfs, host: vault, root: "pool/backups/{host}" }
    disk: { type: zfs, root: usb/backups, removable: true }
    b2:
      type: restic
      repository: b2:backups-of-nas:tank
      password: { file: b2.password }
      environment: { B2_ACCOUNT_ID: "0012ab", B2_ACCOUNT_KEY: { env: B2_KEY } }
  mirrors:
    attic: { of: b2, repository: /mnt/attic/restic, requireMount: /mnt/attic, password: { credential: attic } }
  datasets:
    tank/data: { recursive: true, keep: { daily: 7 }, remotes: { vault: {}, disk: {} } }
    tank/secret: { keep: { daily: 7 }, remotes: { vault: {} } }
    tank/vm/win: { keep: { daily: 7 }, remotes: { vault: {} } }
  directories:
    /etc: { keep: { daily: 7 }, remotes: { b2: {} } }
`;

const dataset = (name: string, more: Partial<Dataset> = {}): Dataset => ({
  name: name as DatasetName,
  type: "filesystem",
  guid: "77" as Guid,
  createtxg: 1 as Txg,
  used: 1e9 as Bytes,
  referenced: 1e9 as Bytes,
  available: 1e12 as Bytes,
  written: 0 as Bytes,
  encryption: "off",
  mounted: true,
  mountpoint: `/${name}`,
  own: {},
  bookmarks: [],
  snapshots: [
    {
      name: "daily-20261122T000000Z",
      guid: "100" as Guid,
      createtxg: 2 as Txg,
      creation: (now - 11_400) as EpochSeconds,
      used: 0 as Bytes,
      referenced: 1e9 as Bytes,
      written: 0 as Bytes,
    },
  ],
  ...more,
});

const copied = (name: string, more: Partial<Dataset> = {}): Dataset =>
  dataset(`pool/backups/nas/${name}`, { own: { adopted: "on" }, mounted: false, ...more });
const encrypted = (root: string): Partial<Dataset> => ({
  encryption: "aes-256-gcm",
  encryptionroot: root as DatasetName,
});

const copy: RepositoryCopy = {
  id: "4f6f90c2".repeat(8),
  time: "2026-11-22T01:00:00Z",
  creation: (now - 7800) as EpochSeconds,
  tree: "a".repeat(64),
  host: "nas",
  paths: ["/etc"],
  tags: ["holdfast", "source=nas:/etc", "type=daily"],
};

const host = (pools: readonly string[], datasets: readonly Dataset[]) =>
  ({
    state: "observed",
    zfsVersion: "2.3.2",
    pools,
    roots: pools as readonly DatasetName[],
    datasets: [...datasets].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }) as const;

export const inventory: Inventory = {
  formatVersion: 1,
  observedAt: now,
  hosts: {
    ["nas" as HostName]: host(
      ["tank"],
      [
        dataset("tank"),
        dataset("tank/data", { mountpoint: "/srv/data" }),
        dataset("tank/data/photos", { mountpoint: "/srv/data/photos" }),
        dataset("tank/secret", encrypted("tank/secret")),
        dataset("tank/vm/win", { type: "volume", mounted: false, mountpoint: "-" }),
      ],
    ),
    ["vault" as HostName]: host(
      ["pool"],
      [
        copied("tank/data"),
        copied("tank/data/photos"),
        copied("tank/secret", { ...encrypted("pool/backups/nas/tank/secret"), keystatus: "unavailable" }),
        copied("tank/vm/win", { type: "volume" }),
      ],
    ),
  },
  repositories: {
    ["b2" as RepositoryKey]: {
      state: "observed",
      resticVersion: "0.18.0",
      id: "edbf68fa9b".repeat(6),
      chunkerPolynomial: "3",
      copies: [copy],
      locks: [],
    },
    ["attic@nas" as RepositoryKey]: {
      state: "unobserved",
      reason: "attic: nothing is mounted at /mnt/attic",
      hint: "mount it",
    },
  },
};

export const facts: Facts = {
  secrets: new Map([
    [
      JSON.stringify({ file: "/etc/holdfast/b2.password" }),
      { fingerprint: { kind: "scrypt", salt: "0123456789abcdef", value: "5f3c9a01" } },
    ],
    [
      JSON.stringify({ file: "/etc/holdfast/id_ed25519" }),
      {
        fingerprint: {
          kind: "ssh",
          type: "ssh-ed25519",
          value: "SHA256:9mQ2pl3jhzYzDkPj0wLxWUxVnVwAkhHY7ZVtWw1d1Lk",
        },
      },
    ],
    [JSON.stringify({ env: "B2_KEY" }), { unread: "B2_ACCOUNT_KEY of b2: environment variable B2_KEY is not set" }],
    [JSON.stringify({ credential: "attic" }), { unread: "password of attic: CREDENTIALS_DIRECTORY is not set" }],
  ]),
  identities: new Map([["gate" as HostName, { value: [{ unread: "an agent has it" }] }]]),
  hostKeys: new Map(
    ["gate", "vault"].map((name) => [
      name as HostName,
      { value: [{ type: "ssh-ed25519", key: KEY, from: `hosts.${name}.hostKeys` }] },
    ]),
  ),
  zfsKeys: new Map([
    [
      "nas:tank/secret",
      {
        root: "tank/secret" as DatasetName,
        guid: "8106342817391034" as Guid,
        keyformat: "passphrase",
        keylocation: "file:///root/tank-secret.key",
        fingerprint: { kind: "scrypt", salt: "fedcba9876543210", value: "00c0ffee" },
      },
    ],
  ]),
  repositoryKeys: new Map([["b2" as RepositoryKey, "2dec0653"]]),
};

/** What is made of it, or of another manifest. */
export function kitOf(
  text = manifestText,
  seen: Inventory = inventory,
  known: Facts = facts,
  options: Partial<ParseOptions> = {},
): RecoveryKit {
  const { manifest, diagnostics } = parse(text, options);
  if (manifest === undefined) throw new Error(JSON.stringify(diagnostics));
  return kitFor(manifest, seen, known);
}

const kitFor = (manifest: Manifest, seen: Inventory, known: Facts): RecoveryKit =>
  makeKit(layoutOf(manifest, seen, { now, allHosts: false, isMeant: () => true }), known, {
    now,
    version: "1.2.3",
    manifest: {
      path: "/etc/holdfast/holdfast.yaml",
      git: { commit: "b261c8c8a4d0d2b6f0e1f6a4f0a0c4a1c2b3d4e5", changed: true, origin: "git@git.example.net:backups" },
    },
  });
