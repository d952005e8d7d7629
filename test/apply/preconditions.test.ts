import { describe, expect, test } from "vitest";
import { type Observed, unmet } from "../../src/apply/preconditions.ts";
import type { Dataset } from "../../src/model/inventory.ts";
import type { Precondition } from "../../src/model/plan.ts";
import type { Bytes, DatasetName, EpochSeconds, Guid, Txg } from "../../src/model/units.ts";
import { at, guid } from "./operations.ts";

/** `a:1 b:2` are snapshots with their guids in order, `#m:3` is a bookmark. */
function dataset(world: string, more: Partial<Dataset> = {}): Observed {
  const points = world.split(" ").filter((word) => word !== "");
  const point = (word: string, index: number) => {
    const [name = "", id = ""] = word.replace("#", "").split(":");
    return { name, guid: guid(id), createtxg: index as Txg, creation: 0 as EpochSeconds };
  };
  const bytes = { used: 0 as Bytes, referenced: 0 as Bytes, written: 0 as Bytes };
  return {
    state: "present",
    dataset: {
      name: "tank/a" as DatasetName,
      type: "filesystem",
      guid: guid(100),
      createtxg: 1 as Txg,
      ...bytes,
      available: 0 as Bytes,
      encryption: "off",
      mounted: false,
      own: {},
      snapshots: points
        .filter((word) => !word.startsWith("#"))
        .map((word, index) => ({ ...point(word, index), ...bytes })),
      bookmarks: points.filter((word) => word.startsWith("#")).map(point),
      ...more,
    },
  };
}

const here = at("tank/a");
const ABSENT: Observed = { state: "absent" };
const UNOBSERVED: Observed = { state: "unobserved", reason: "timeout" };
const token = (text: string | null): Precondition => ({ ...here, kind: "token", token: text });
const snapshot = (name: string, id: number): Precondition => ({
  ...here,
  kind: "snapshot",
  snapshot: { name, guid: guid(id) },
});
const present = (id: number, bookmark: boolean): Precondition => ({
  ...here,
  kind: "present",
  snapshot: { name: "x", guid: guid(id) },
  bookmark,
});
const follows = (base: number | null, ...extras: number[]): Precondition => ({
  ...here,
  kind: "follows",
  base: base === null ? null : { name: "base", guid: guid(base) },
  extras: extras.map(guid),
});
const quota = (fills: Readonly<Record<string, number | string>>): Precondition => ({
  ...here,
  kind: "quota",
  snapshots: Object.values(fills).map(String),
  names: Object.keys(fills),
});
const bookmarked = (...guids: number[]): Precondition => ({ ...here, kind: "bookmarked", guids: guids.map(guid) });
const isDataset: Precondition = { ...here, kind: "dataset", guid: guid(100) };
const placeholder: Precondition = { ...here, kind: "placeholder", guid: guid(100) };
const createdBy: Precondition = { ...here, kind: "snapshot", snapshot: { name: "new", createdBy: "made" } };
const notCreated: Precondition = {
  ...here,
  kind: "present",
  snapshot: { name: "new", createdBy: "failed" },
  bookmark: true,
};
const resume = (text: string) => ({ resume: { token: text } });
const ours = { own: { placeholder: "on" } };

const guidOf = (ref: { readonly guid: Guid } | { readonly createdBy: string }): Guid | undefined =>
  "guid" in ref ? ref.guid : ref.createdBy === "made" ? guid(77) : undefined;

describe("holds", () => {
  test.each<[string, Precondition, Observed]>([
    ["the same dataset", isDataset, dataset("")],
    ["an absent one", { ...here, kind: "absent" }, ABSENT],
    ["a placeholder with nothing in it", placeholder, dataset("", ours)],
    ["a placeholder with only metadata in it", placeholder, dataset("", { ...ours, referenced: (96 * 1024) as Bytes })],
    ["the snapshot under its name", snapshot("b", 2), dataset("a:1 b:2")],
    ["a snapshot that this run made", createdBy, dataset("new:77")],
    ["the guid under another name", present(2, false), dataset("renamed:2")],
    ["the guid as a bookmark", present(2, true), dataset("#m:2")],
    ["nothing after the base", follows(1), dataset("a:1")],
    ["older ones do not matter", follows(2), dataset("a:1 b:2")],
    ["known extras after the base", follows(1, 2, 3), dataset("a:1 b:2 c:3")],
    ["an extra that is gone does not matter", follows(1, 2, 3), dataset("a:1 c:3")],
    ["no snapshot at all", follows(null), dataset("", { written: 98304 as Bytes })],
    ["the same token", token("t"), dataset("a:1", resume("t"))],
    ["no token", token(null), dataset("a:1")],
    ["no token where there is no dataset", token(null), ABSENT],
    ["all that fill a quota", quota({ a: 1, b: 2, new: "made" }), dataset("a:1 b:2 new:77")],
    ["an empty quota", quota({}), dataset("")],
    ["a bookmark of each", bookmarked(1, 2), dataset("a:1 #m:1 #n:2")],
  ])("%s", (_, precondition, observed) => {
    expect(unmet(precondition, observed, guidOf)).toBeUndefined();
  });
});

describe("does not hold", () => {
  test.each<[string, Precondition, Observed, string]>([
    ["another dataset of that name", isDataset, dataset("", { guid: guid(5) }), "guid 5 instead of 100"],
    ["a bookmark that is gone", bookmarked(1, 2), dataset("a:1 b:2 #m:1"), "no bookmark of guid 2"],
    ["a dataset that is gone", isDataset, ABSENT, "not there any more"],
    ["a dataset that appeared", { ...here, kind: "absent" }, dataset(""), "should not exist"],
    ["a placeholder that lost its mark", placeholder, dataset(""), "no longer marked"],
    ["a placeholder with a snapshot", placeholder, dataset("a:1", ours), "@a (guid 1)"],
    ["a placeholder that is mounted", placeholder, dataset("", { ...ours, mounted: true }), "is mounted"],
    ["a placeholder with data", placeholder, dataset("", { ...ours, referenced: 9_000_000 as Bytes }), "8.6 MiB"],
    ["another placeholder", placeholder, dataset("", { ...ours, guid: guid(5) }), "guid 5"],
    ["a snapshot that is gone", snapshot("b", 2), dataset("a:1"), "is not there any more"],
    ["the name with another guid", snapshot("b", 2), dataset("b:9"), "guid 9 instead of 2"],
    ["a snapshot that was renamed", snapshot("b", 2), dataset("c:2"), "is named @c now"],
    ["a bookmark where a snapshot is needed", present(2, false), dataset("#m:2"), "no snapshot with guid 2"],
    ["neither snapshot nor bookmark", present(2, true), dataset("a:1"), "no snapshot or bookmark with guid 2"],
    ["a snapshot that was not created", notCreated, dataset("a:1"), "was not created"],
    ["an unknown extra", follows(1, 2), dataset("a:1 b:2 c:3"), "@c (guid 3) after @base"],
    ["the base is gone", follows(1), dataset("b:2"), "no snapshot with guid 1"],
    ["the base is only a bookmark", follows(1), dataset("#m:1"), "no snapshot with guid 1"],
    ["written to since", follows(1), dataset("a:1", { written: 1 as Bytes }), "1 B written"],
    ["a first snapshot that appeared", follows(null), dataset("a:1"), "@a (guid 1)"],
    ["many extras are not all listed", follows(null), dataset("a:1 b:2 c:3 d:4 e:5"), "@c (guid 3), 2 more"],
    ["another token", token("t"), dataset("a:1", resume("u")), "another half-received stream"],
    ["a token that is gone", token("t"), dataset("a:1"), "no half-received stream any more"],
    ["a token that appeared", token(null), dataset("a:1", resume("u")), "has a half-received stream now"],
    ["a token whose dataset is gone", token("t"), ABSENT, "not there any more"],
    ["one of a quota is gone", quota({ a: 1, b: 2 }), dataset("a:1"), "1 of the 2 snapshots that fill the quota"],
    ["one of a quota was not created", quota({ a: 1, b: "failed" }), dataset("a:1"), "1 of the 2"],
    ["one of a quota has another name", quota({ a: 1, b: 2 }), dataset("a:1 c:2"), "or under other names: @b"],
    ["two of a quota have changed names", quota({ a: 1, b: 2 }), dataset("a:2 b:1"), "2 of the 2"],
    ["only a bookmark of one of a quota", quota({ a: 1 }), dataset("#a:1"), "1 of the 1"],
  ])("%s", (_, precondition, observed, message) => {
    expect(unmet(precondition, observed, guidOf)).toContain(message);
  });

  test.each([
    isDataset,
    placeholder,
    { ...here, kind: "absent" } as const,
    snapshot("a", 1),
    present(1, true),
    follows(null),
    token(null),
    quota({}),
  ])("unobserved proves nothing: $kind", (precondition) => {
    expect(unmet(precondition, UNOBSERVED, guidOf)).toContain("could not be observed: timeout");
  });
});
