import { expect, test } from "vitest";
import { importConfiguration } from "../../src/import/index.ts";
import { plan } from "../../src/planner/index.ts";
import { now } from "../manifest/helpers.ts";
import { emptyWorld, toInventory } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";
import { zfsPlan } from "../zfs-plan.ts";
import { machine, outcome } from "./helpers.ts";

const backupd = (text: string) => outcome(importConfiguration("backupd", { name: "backupd.toml", text }, machine));

const CONFIG = `snitch_id = "abc123"

[local]
root = "tank/data"

[local.policy]
hourly = 24
daily = 7
critical = 10

[remote]
ssh_key = "/root/.ssh/backup"
ssh_host = "backup@vault.example.net"
root = "pool/backups"

[remote.policy]
hourly = 0
daily = 30
yearly = 2
critical = 10
`;

test("one root, one remote", () => {
  const { text, remarks } = backupd(CONFIG);
  expect(text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.
    # backupd.toml:1: it is a secret, and not taken over: \`heartbeats: [{ type: deadmanssnitch, url: { file: … } }]\`

    version: 1
    timezone: Europe/Berlin

    snapshotTypes:
      critical: {}

    hosts:
      nas: {}
      vault:
        address: vault.example.net
        user: backup
        identity: { file: /root/.ssh/backup }
        knownHostsFile: ~/.ssh/known_hosts

    remotes:
      vault: { type: zfs, host: vault, root: pool }

    datasets:
      # backupd.toml:6: backupd takes a snapshot whenever it is asked to; Holdfast takes hourly, daily, yearly by
      #   itself: the cron lines that ask for them can go
      # backupd.toml:6: critical has no schedule here: \`holdfast snapshot TYPE\` takes one, or give it a \`schedule\`
      "nas:tank/data":
        recursive: true
        keep: { hourly: 24, daily: 7, critical: 10, yearly: 1 }
        pin: [ oldest, oldestShared ]
        remotes: { vault: { target: pool/backups, keep: { daily: 30, yearly: 2, critical: 10 } } }
    "
  `);
  expect(remarks).toMatchInlineSnapshot(`
    [
      "backupd.toml:6: backupd takes a snapshot whenever it is asked to; Holdfast takes hourly, daily, yearly by itself: the cron lines that ask for them can go",
      "backupd.toml:6: critical has no schedule here: \`holdfast snapshot TYPE\` takes one, or give it a \`schedule\`",
      "backupd.toml:1: it is a secret, and not taken over: \`heartbeats: [{ type: deadmanssnitch, url: { file: … } }]\`",
    ]
  `);
});

test("no remote; a second pool", () => {
  const local = '[local]\nroot = "tank"\n[local.policy]\ndaily = 3\n';
  expect(backupd(`${local}[remote]\nroot = ""\n`).text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.

    version: 1
    timezone: Europe/Berlin

    datasets:
      # backupd.toml:3: backupd takes a snapshot whenever it is asked to; Holdfast takes daily by itself: the cron
      #   lines that ask for them can go
      tank: { recursive: true, keep: { daily: 3 }, pin: [ oldest, oldestShared ] }
    "
  `);
  expect(backupd(`${local}[remote]\nroot = "usb/copies/tank"\n`).text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.
    # backupd.toml:5: it names no machine, so the copies are taken to be on this one

    version: 1
    timezone: Europe/Berlin

    remotes:
      usb: { type: zfs, root: usb/copies }

    datasets:
      # backupd.toml:3: backupd takes a snapshot whenever it is asked to; Holdfast takes daily by itself: the cron
      #   lines that ask for them can go
      tank: { recursive: true, keep: { daily: 3 }, pin: [ oldest, oldestShared ], remotes: { usb: {} } }
    "
  `);
});

test.each([
  ["no TOML", "[local\n", /^backupd\.toml:1: /],
  ["no root", '[local]\n[remote]\nroot = "x"', /no root that is a dataset/],
  ["no policy", '[local]\nroot = "tank"', /no policy keeps anything/],
])("%s is refused", (_, text, message) => {
  expect(() => backupd(text)).toThrow(message);
});

test("what is not understood is named with its line", () => {
  const { remarks } = backupd('[local]\nroot = "tank"\ncolour = 1\n[local.policy]\n"a-b" = 3\ndaily = -1\n');
  expect(remarks).toMatchInlineSnapshot(`
    [
      "backupd.toml:3: colour is no setting of backupd, and was left out",
      "backupd.toml:5: "a-b" can be no snapshot type, and was left out: its snapshots are left alone",
      "backupd.toml:6: how many daily are kept is not understood: all of them are",
      "backupd.toml:4: backupd takes a snapshot whenever it is asked to; Holdfast takes daily by itself: the cron lines that ask for them can go",
    ]
  `);
});

test("on both sides backupd's snapshots count, and the oldest, the oldest shared and what it would keep stay", () => {
  const { manifest } = backupd(CONFIG.replace("daily = 7", "daily = 2").replace("daily = 30", "daily = 3"));
  const world = emptyWorld({ nas: ["tank"], vault: ["pool"] });
  const day = 86_400;
  zfs.create(world, "nas", "tank");
  zfs.create(world, "vault", "pool");
  const fill = (host: string, name: string, days: readonly number[]) => {
    const dataset = zfs.create(world, host, name);
    dataset.own.set("adopted", "on");
    dataset.snapshots = days.map((age, index) => ({
      name: `daily-label${age}`,
      guid: String(1000 + age),
      txg: 100 + index,
      creation: now - age * day,
      written: 1,
      holds: [],
      clones: [],
    }));
  };
  fill("nas", "tank/data", [19, 18, 5, 4, 3, 2, 1, 0]);
  fill("vault", "pool/backups", [20, 18, 9, 5, 4, 3]);
  for (const { pools } of world.hosts.values()) for (const pool of pools.values()) pool.txg = 1000;
  const made = zfsPlan(plan(manifest, toInventory(world, now), { now, allowDestroy: 1e6, allHosts: true }));
  const destroyed = made.operations.flatMap((operation) =>
    operation.kind === "destroy" ? operation.snapshots.map(({ name }) => `${operation.at.host} ${name}`) : [],
  );
  expect(made.blocked).toEqual([]);
  expect(destroyed).toMatchInlineSnapshot(`
    [
      "nas daily-label5",
      "nas daily-label4",
      "nas daily-label3",
      "nas daily-label2",
      "vault daily-label9",
      "vault daily-label5",
      "vault daily-label4",
      "vault daily-label3",
    ]
  `);
});
