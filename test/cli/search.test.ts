import { expect, test } from "vitest";
import { momentsIn, type Subject, search } from "../../src/cli/search.ts";
import type { Wanted } from "../../src/model/found.ts";
import type { Dataset, Snapshot } from "../../src/model/inventory.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { Address, EpochSeconds, HostName, RemoteName } from "../../src/model/units.ts";
import { contentsOf } from "../../src/planner/find/contents.ts";
import { wantedOf } from "../../src/planner/find/names.ts";
import type { SnapshotPoint } from "../../src/planner/restore/places.ts";
import { type Hosts, TransportError } from "../../src/transport/types.ts";

const source = "nas:tank/home" as Address;
const point = (place: string, taken: number, more: Partial<Dataset> = {}): SnapshotPoint => ({
  kind: "snapshot",
  place: place as RemoteName,
  copied: place !== "source",
  name: `a-${taken}`,
  taken: taken as EpochSeconds,
  distance: 0,
  from: { host: place, dataset: "tank/home" } as SnapshotPoint["from"],
  dataset: { mountpoint: "/home", ...more } as Dataset,
  snapshot: { name: `a-${taken}`, guid: `${taken}`, written: 1 } as Snapshot,
});

/** What each host does when it is asked to look into a snapshot; an error ends the command that asks. */
type Answer = (snapshot: string) => { readonly stdout?: string; readonly stderr?: string } | Error;

/** Those of a command: a script and what it begins with, how many there are, three words each. */
function snapshotsIn(argv: readonly string[]): string[] {
  const count = argv.indexOf("tank/home") - 1;
  const words = argv.slice(count + 1, count + 1 + 3 * Number(argv[count]));
  return words.filter((_, index) => index % 3 === 1);
}

async function searched(points: readonly SnapshotPoint[], answers: Readonly<Record<string, Answer>>) {
  const asked: string[] = [];
  const found: string[] = [];
  const counted: number[] = [];
  const read: Hosts["read"] = async (host, argv, onBytes, { onErrorLine } = {}) => {
    const snapshots = snapshotsIn(argv);
    asked.push(`${host}@${snapshots}`);
    for (const [index, snapshot] of snapshots.entries()) {
      const answer = answers[host]?.(snapshot) ?? {};
      if (answer instanceof Error) throw answer;
      const { stdout, stderr } = answer;
      for (const line of [`//${index}`, ...(stderr === undefined ? [] : [stderr])]) onErrorLine?.(line);
      const begun = stdout === undefined ? "" : `//${index}\0${stdout}`;
      onBytes(Buffer.from(`${begun}//${index} ${stderr === undefined ? 0 : 1}\0`));
    }
    return { code: 0, stdout: "", stderr: "" };
  };
  const subject: Subject = { source, contents: contentsOf(points) };
  const result = await search([subject], {
    hosts: { read } as unknown as Hosts,
    signal: new AbortController().signal,
    manifest: {} as Manifest,
    wanted: wantedOf("file", {}) as Wanted,
    lanes: 1,
    take: (_, index, hit) => void found.push(`${hit.path} in ${subject.contents[index]?.newest}`),
    done: (moments) => void counted.push(moments),
  });
  const total = subject.contents.reduce((sum, content) => sum + momentsIn([content]), 0);
  expect(counted.reduce((sum, moments) => sum + moments, 0)).toBe(total);
  return { asked, found, ...result };
}

const has = () => ({ stdout: "f\x001\x001.5\0./file\0" });
const denied: Answer = () => ({ stderr: "mount: only root can do that: Permission denied" });

test("newest first, each where it is nearest", async () => {
  const { asked, found, unsearched } = await searched([point("source", 1), point("source", 2), point("vault", 1)], {
    source: has,
  });
  expect(asked).toEqual(["source@a-2,a-1"]);
  expect(found).toEqual(["file in 2", "file in 1"]);
  expect(unsearched).toEqual([]);
});

test("where a dataset cannot be read at all it is not tried again, and the next place is", async () => {
  const points = [point("source", 1), point("source", 2), point("vault", 1)];
  const { asked, found, unsearched, unreadable } = await searched(points, { source: denied, vault: has });
  expect(asked).toEqual(["source@a-2,a-1", "vault@a-1"]);
  expect(found).toEqual(["file in 1"]);
  expect(unsearched).toEqual([
    {
      ...{ source, place: "source", snapshots: 1, hint: expect.stringContaining("root") },
      reason: "source:tank/home cannot be read by the account that is used there",
    },
  ]);
  expect([...unreadable].map((sighting) => `${sighting.point.place}@${sighting.point.name}`).sort()).toEqual([
    "source@a-1",
    "source@a-2",
  ]);
});

test("what one command found closed, the next does not try", async () => {
  const points = Array.from({ length: 20 }, (_, index) => point("source", index + 1));
  const { asked, unsearched } = await searched(points, { source: denied });
  expect(asked.length).toBe(1);
  expect(unsearched).toMatchObject([{ place: "source", snapshots: 20 }]);
});

test("one snapshot that is gone by now does not speak for the others", async () => {
  const gone: Answer = (snapshot) => (snapshot === "a-2" ? { stderr: "cannot open: no such snapshot" } : has());
  const { found, unsearched } = await searched([point("source", 1), point("source", 2)], { source: gone });
  expect(found).toEqual(["file in 1"]);
  expect(unsearched).toMatchObject([{ place: "source", snapshots: 1 }]);
});

test("one command searches many in turn", async () => {
  const points = Array.from({ length: 40 }, (_, index) => point("source", index + 1));
  const { asked, found } = await searched(points, { source: has });
  const names = Array.from({ length: 40 }, (_, index) => `a-${40 - index}`);
  expect(asked).toEqual([names.slice(0, 16), names.slice(16, 32), names.slice(32)].map((some) => `source@${some}`));
  expect(found.length).toBe(40);
});

test("a command that is lost speaks for the one snapshot it was at: those behind it are searched by another", async () => {
  const lost = new TransportError("connection-lost", "source: the connection was lost");
  const points = Array.from({ length: 6 }, (_, index) => point("source", index + 1));
  const { asked, found, unsearched } = await searched([...points, point("vault", 5)], {
    source: (snapshot) => (snapshot === "a-5" ? lost : has()),
    vault: has,
  });
  expect(asked).toEqual(["source@a-6,a-5,a-4,a-3,a-2,a-1", "source@a-4,a-3,a-2,a-1", "vault@a-5"]);
  expect(found.toSorted()).toEqual([1, 2, 3, 4, 5, 6].map((taken) => `file in ${taken}`));
  expect(unsearched).toEqual([]);
});

test("a host that is lost is asked no more; a key that is missing is not tried without", async () => {
  const lost = new TransportError("unreachable", "source: no route", { host: "source" as HostName, hint: "is it on?" });
  const points = [point("source", 1), point("source", 2), point("vault", 3, { keystatus: "unavailable" })];
  const { asked, unsearched } = await searched(points, { source: () => lost });
  expect(asked).toEqual(["source@a-2,a-1"]);
  expect(unsearched).toEqual([
    { source, place: "vault", snapshots: 1, reason: "its key is not loaded", hint: "on vault: zfs load-key tank/home" },
    { source, place: "source", snapshots: 2, reason: "source: no route", hint: "is it on?" },
  ]);
});
