import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { COLUMNS } from "../src/inventory/listing.ts";
import type { EpochSeconds, HostName, TypeName } from "../src/model/units.ts";
import { snapshotName } from "../src/planner/types.ts";
import type { Hosts } from "../src/transport/types.ts";

/** `nas` has the sources, `vault` their copies. */
export const recordedHosts = ["nas", "vault"] as const;
export type RecordedHost = (typeof recordedHosts)[number];

export interface Recording {
  readonly datasets: number;
  /** On each side of each dataset. */
  readonly snapshots: number;
  /** When the newest hourly snapshot was taken. */
  readonly newest: EpochSeconds;
  /** The manifest's entries for the two hosts. */
  readonly hosts: Readonly<Record<RecordedHost, object>>;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** The full hour before a time. */
export const lastHour = (at: number): EpochSeconds => (Math.floor(at / HOUR) * HOUR) as EpochSeconds;

/** How many of each type make so many snapshots: what is there, and what the manifest keeps. */
export function keepOf(snapshots: number): Readonly<Record<"hourly" | "daily" | "weekly" | "monthly", number>> {
  const daily = Math.floor(snapshots * 0.2);
  const weekly = Math.floor(snapshots * 0.05);
  const monthly = Math.floor(snapshots * 0.03);
  return { hourly: snapshots - daily - weekly - monthly, daily, weekly, monthly };
}

/** Name and creation of the snapshots of every dataset, oldest first: they were taken together. */
function history({ snapshots, newest }: Recording): { readonly name: string; readonly creation: number }[] {
  const keep = keepOf(snapshots);
  const today = Math.floor(newest / DAY) * DAY;
  const date = new Date(newest * 1000);
  const taken = (type: string, count: number, at: (index: number) => number) =>
    Array.from({ length: count }, (_, index) => {
      const creation = at(index);
      return { name: snapshotName(type as TypeName, creation as EpochSeconds), creation };
    });
  return [
    ...taken("hourly", keep.hourly, (index) => newest - index * HOUR),
    ...taken("daily", keep.daily, (index) => today + 1 - index * DAY),
    ...taken("weekly", keep.weekly, (index) => today + 2 - index * 7 * DAY),
    ...taken(
      "monthly",
      keep.monthly,
      (index) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - index) / 1000 + 3,
    ),
  ].sort((a, b) => a.creation - b.creation);
}

type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>;
const line = (row: Row): string => `${COLUMNS.map((column) => row[column] ?? "-").join("\t")}\n`;

const above = {
  nas: ["tank", "tank/data"],
  vault: ["backup", "backup/nas", "backup/nas/tank", "backup/nas/tank/data"],
};
const nameOf = (host: RecordedHost, dataset: number): string =>
  `${above[host].at(-1)}/project-${String(dataset).padStart(4, "0")}`;

/** 19 digits, the same on both sides. */
const guidOf = (dataset: number, snapshot: number): string =>
  String(1_000_000_000_000_000_007n + BigInt(dataset) * 7_919_000_100_057n + BigInt(snapshot) * 1_000_003n);

const filesystem = (host: RecordedHost, name: string, guid: number): Row => ({
  name,
  type: "filesystem",
  guid,
  createtxg: 12,
  creation: 1_600_000_000,
  used: 98_304,
  referenced: 98_304,
  written: 0,
  available: 40e12,
  encryption: "off",
  mounted: host === "nas" ? "yes" : "no",
  mountpoint: `/${name}`,
});

/** What `zfs list -r` prints: each dataset, its snapshots, its bookmark. */
function* listing(host: RecordedHost, recording: Recording): Generator<string> {
  const snapshots = history(recording);
  for (const [index, name] of above[host].entries()) yield line(filesystem(host, name, 1000 + index));
  for (let dataset = 0; dataset < recording.datasets; dataset++) {
    const name = nameOf(host, dataset);
    const sizes = { used: 21e9 + dataset, referenced: 7e9 + dataset, written: host === "nas" ? 65_536 : 0 };
    const rows = [line({ ...filesystem(host, name, 5_000_000 + dataset), ...sizes })];
    let newest: Row = {};
    for (const [index, { name: snapshot, creation }] of snapshots.entries()) {
      const guid = guidOf(dataset, index);
      const createtxg = (host === "nas" ? 90_000 : 400) + index * 11 + dataset;
      newest = { name: `${name}#holdfast-vault-${guid}`, type: "bookmark", guid, createtxg, creation };
      rows.push(
        line({
          name: `${name}@${snapshot}`,
          type: "snapshot",
          guid,
          createtxg,
          creation,
          // mostly little, now and then gigabytes
          used: index % 41 === 40 ? 3.2e9 + index : (index % 13) * 28_672,
          referenced: 7e9 - (snapshots.length - index) * 65_536,
          written: index % 61 === 60 ? 4.5e9 + index : 131_072 + (index % 97) * 4096,
          userrefs: 0,
          redacted: 0,
        }),
      );
    }
    if (host === "nas") rows.push(line(newest));
    yield rows.join("");
  }
}

function* adopted(host: RecordedHost, { datasets }: Recording): Generator<string> {
  for (let dataset = 0; dataset < datasets; dataset++) yield `${nameOf(host, dataset)}\tholdfast:adopted\ton\n`;
}

/** What is asked of a host, and the file with the answer. */
const answers = { "zfs list": "list", "zfs get": "get", "zfs version": "version", "zpool get": "pools" };

/**
 * Records what the `zfs` of both hosts would say, in `FOLDER/HOST/`, and writes `FOLDER/holdfast.yaml`, which keeps exactly
 * what is there. `FOLDER/HOST/bin/` is for PATH: a `zfs` and a `zpool` that give the recorded answers and write down, in
 * `FOLDER/HOST/calls`, what they were asked.
 */
export async function record(folder: string, recording: Recording): Promise<void> {
  for (const host of recordedHosts) {
    const files = join(folder, host);
    await mkdir(join(files, "bin"), { recursive: true });
    await pipeline(listing(host, recording), createWriteStream(join(files, "list")));
    await pipeline(adopted(host, recording), createWriteStream(join(files, "get")));
    await writeFile(join(files, "version"), "zfs-2.3.2-2\nzfs-kmod-2.3.2-2\n");
    await writeFile(join(files, "pools"), `${above[host][0]}\tsize\t1000000000000\n`);
    for (const program of ["zfs", "zpool"]) {
      const cases = Object.entries(answers).map(([asked, file]) => `"${asked}") exec cat '${join(files, file)}' ;;`);
      const path = join(files, "bin", program);
      await writeFile(
        path,
        `#!/bin/sh\necho ${program} "$@" >> '${join(files, "calls")}'\ncase "${program} $1" in\n${cases.join("\n")}\nesac\nexit 2\n`,
      );
      await chmod(path, 0o755);
    }
  }
  const manifest = {
    version: 1,
    hosts: recording.hosts,
    remotes: { vault: { type: "zfs", host: "vault", root: "backup/{host}" } },
    datasets: { "nas:tank/data/*": { keep: keepOf(recording.snapshots), remotes: { vault: {} } } },
  };
  // JSON is YAML
  await writeFile(join(folder, "holdfast.yaml"), JSON.stringify(manifest, undefined, 2));
}

/** Answers from a recording without starting anything. */
export function replay(folder: string): Hosts {
  const known: Readonly<Record<string, string | undefined>> = answers;
  const fileFor = (host: HostName, [program, verb]: readonly string[]): string =>
    join(folder, host, known[`${program} ${verb}`] ?? "nothing");
  const ended = { code: 0, stdout: "", stderr: "" };
  return {
    run: async (host, argv) => ({ ...ended, stdout: await readFile(fileFor(host, argv), "utf8") }),
    async read(host, argv, onBytes) {
      for await (const chunk of createReadStream(fileFor(host, argv))) onBytes(chunk);
      return ended;
    },
    pipe: () => Promise.reject(new Error("nothing is transferred here")),
    close: async () => {},
  };
}
