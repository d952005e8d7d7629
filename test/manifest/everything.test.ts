import { describe, expect, it } from "vitest";
import { parseManifest } from "../../src/manifest/index.ts";
import { line, now } from "./helpers.ts";

/** What stays for later versions. */
const laterRemotes = `
  vaulted:
    type: archive
    destination: "rclone:glacier:nas"
    encrypt: { age: { recipients: [age1qqq] } }
    partSize: 1GiB
    fullEvery: 30d
  usbfiles: { type: rsync, destination: /mnt/usb/files, requireMount: /mnt/usb }
  photos:   { type: rclone, destination: "crypt:photos", layout: latest }`;
/** Every key of the design, with what a version of its own brings in its place. */
const manifest = (remotes: string) => `
version: 1
timezone: Europe/Berlin
snapshotTypes:
  hourly:   { schedule: "0 * * * *", adopt: ["autosnap_*_hourly", "zfs-auto-snap_hourly-*"] }
  quarter:  { schedule: "*/15 * * * *", timezone: UTC }
  critical: {}
hosts:
  nas01:
    address: nas01.example.net
    port: 22
    user: holdfast
    identity: { file: /etc/holdfast/id_ed25519 }
    hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3b1s0i"]
    jump: bastion
    sudo: true
  nas02: {}
  bastion: {}
  vault: { address: vault.example.net, hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3b1s0i"] }
remotes:
  vault:
    type: zfs
    host: vault
    root: tank/backups/{host}
    mode: pull
    deletions: never
    raw: auto
    properties: { readonly: "on", canmount: noauto }
    excludeProperties: [mountpoint]
    withProperties: true
    compress: zstd
    limit: { upload: 20MiB/s }
    removable: true
    whileAway: freeze
    maxAge: 26h
    keep: { daily: 60, monthly: 24 }
  b2:
    type: restic
    repository: s3:https://s3.example.com/fleet/{host}
    password: { file: b2.password }
    environment: { AWS_DEFAULT_REGION: eu-1, AWS_ACCESS_KEY_ID: { file: b2.id }, AWS_SECRET_ACCESS_KEY: { file: b2.key } }
    init: true
    requireMount: /mnt/usb
    limit: { upload: 2MiB/s, download: 10MiB/s }
    priority: idle
    compression: max
    maintenance: { prune: { schedule: "0 4 * * 0", maxUnused: 10% }, check: { schedule: "0 5 * * 0", readData: 5% } }
    adopt: [{ tag: x7Yq2, host: nas, path: /mnt/volumes/x }]
    hooks: [{ around: remote, before: [mount, /mnt/usb], after: [umount, /mnt/usb] }]
${remotes}
mirrors:
  wasabi:
    of: b2
    repository: s3:https://s3.wasabisys.com/nas
    password: { file: wasabi.password }
    environment: { AWS_ACCESS_KEY_ID: { file: wasabi.id }, AWS_SECRET_ACCESS_KEY: { file: wasabi.key } }
    keep: { daily: 7, monthly: 24 }
defaults:
  host: { user: holdfast, identity: { credential: ssh } }
  keep: { hourly: 24, daily: 7, weekly: 4, monthly: 12 }
policies:
  standard: { recursive: true, remotes: { vault: {}, b2: {} } }
datasets:
  "nas*:tank/data":
    policy: standard
    skip: ["tank/data/scratch/**"]
    take: [hourly, daily, weekly, monthly]
    keep: { hourly: 24, daily: 7, weekly: 4, monthly: 12 }
    pin: [oldest]
    maxAge: 2h
    verify: { schedule: "0 6 1 * *", sample: 1GiB, within: 90d }
    expect: { minFiles: 10, shrinkAtMost: 20% }
    files:
      include: []
      exclude: [".cache", "*.tmp", "!keep.tmp"]
      excludeIfPresent: [.nobackup]
      excludeCaches: true
      excludeLargerThan: 10GiB
      oneFileSystem: true
    hooks:
      - around: snapshot
        before: ["systemctl", "stop", "app"]
        after: ["systemctl", "start", "app"]
        timeout: 60s
        onFailure: abort
    remotes:
      vault: { keep: { daily: 7, weekly: 4, monthly: 6 } }
      b2: { keep: { daily: 30, monthly: 12 } }
  "nas02:tank/data/db": { keep: { hourly: 168 }, remotes: { vault: { target: pool/offsite/vms } } }
  "nas01:tank/vm": { policy: standard }
  "nas01:tank/vm/*": { keep: { hourly: 48, daily: 7, monthly: 3 }, suspend: true }
  "vault:tank/offsite/old": { take: [], keepByTime: { last: 5, hourly: 24, daily: 30, within: 14d } }
directories:
  "nas01:/etc": { take: [daily], expect: { minFiles: 10 }, remotes: { b2: {} } }
  "nas01:/var/lib/pg": { take: [daily], stdin: [pg_dumpall], remotes: { b2: {} } }
groups: [{ sources: ["nas01:tank/vm/app", "nas01:tank/vm/db"] }]
guards:
  destroyAtMost: { percent: 50, above: 5, total: 500 }
approvals:
  - { source: "nas02:tank/data", destroy: 312, until: "2026-12-01" }
  - { source: "nas01:tank/vm", remote: vault, resolve: rollback, until: "2026-12-01" }
  - { orphan: "vault:tank/backups/nas01/tank/old", until: "2026-12-01" }
unprotected: { report: warn, ignore: ["*:tank/scratch/**"] }
service: { every: 5m, jitter: 10%, listen: 127.0.0.1:9469, names: [backups.example.net], token: { file: api.token } }
notifications:
  - { type: ntfy, url: { file: ntfy.url }, events: [failed, recovered, blocked, overdue], remind: 24h }
  - { type: email, smtp: { url: { file: smtp.url } }, from: nas@example.net, to: [ops@example.net] }
heartbeats:
  - { type: healthchecks, url: { file: hc.url } }
`;

const parse = (text: string, as: string) =>
  parseManifest([{ name: "m.yaml", text }], { as, hostname: "laptop", user: "me", folder: "/etc/holdfast", now });

describe("everything there is", () => {
  const text = manifest("");

  it.each(["nas01", "nas02", "vault", "none"])("is valid for %s", (as) => {
    expect(parse(text, as).diagnostics).toEqual([]);
  });

  it("is read to the last of it", () => {
    const read = parse(text, "nas01").manifest;
    expect(read && [...read.remotes.values()].map(({ name, type }) => [name, type])).toEqual([
      ["vault", "zfs"],
      ["b2", "restic"],
    ]);
    expect([...(read?.mirrors.keys() ?? [])]).toEqual(["wasabi"]);
    expect(read?.datasets[0]?.keys).toMatchObject({
      expect: { minFiles: 10, shrinkAtMost: 20 },
      files: { exclude: [".cache", "*.tmp", "!keep.tmp"], excludeCaches: true, oneFileSystem: true },
      hooks: [{ around: "snapshot", before: { command: ["systemctl", "stop", "app"] }, onFailure: "abort" }],
    });
    expect(read?.directories.map(({ host, path, keys }) => [host, path, keys.stdin])).toEqual([
      ["nas01", "/etc", undefined],
      ["nas01", "/var/lib/pg", ["pg_dumpall"]],
    ]);
    expect(read?.groups).toMatchObject([{ sources: ["nas01:tank/vm/app", "nas01:tank/vm/db"] }]);
  });

  it("but for what later versions bring", () => {
    const { diagnostics } = parse(manifest(laterRemotes), "nas01");
    expect(diagnostics.map(({ excerpt, ...one }) => `${line(one).split(" ")[1]} ${excerpt?.text.trim()}`)).toEqual([
      "not-supported type: archive",
      "not-supported usbfiles: { type: rsync, destination: /mnt/usb/files, requireMount: /mnt/usb }",
      'not-supported photos:   { type: rclone, destination: "crypt:photos", layout: latest }',
    ]);
  });
});
