import { describe, expect, test } from "vitest";
import type { Features, HostInventory, Inventory, Need } from "../../src/model/inventory.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { HostName } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { parse } from "./notation.ts";

const needing = (...names: string[]): Need[] => names.map((feature) => ({ feature, setting: `${feature} set` }));

/** One source with a snapshot to send, its pool's and the target pool's features. */
function planned(here: Features, there: Features | undefined, needs: Need[] = [], world = "L: d1"): Plan {
  const { manifest, inventory, now } = parse({ world, keep: "d=all", R: "d=all" });
  const hosts = Object.entries(inventory.hosts).map(([host, found]): [string, HostInventory] => {
    if (found.state !== "observed") return [host, found];
    if (host !== "here") return [host, there ? { ...found, features: { pool: there } } : found];
    const datasets = found.datasets.map((dataset) => (dataset.name === "tank/s" ? { ...dataset, needs } : dataset));
    return [host, { ...found, features: { tank: here }, datasets }];
  });
  return plan(manifest, { ...inventory, hosts: Object.fromEntries(hosts) as Record<HostName, never> } as Inventory, {
    now,
  });
}
const lackOf = (...args: Parameters<typeof planned>) =>
  planned(...args).blocked.map(({ reason, message }) => `${reason}: ${message.replace(/.*it lacks /, "")}`);

const all: Features = {
  embedded_data: "active",
  encryption: "active",
  large_blocks: "active",
  lz4_compress: "active",
  longname: "active",
};

describe("a target pool that cannot hold the stream", () => {
  test.each<[string, string[], Parameters<typeof planned>]>([
    ["has all that is needed", [], [all, all, needing("large_blocks")]],
    [
      "lacks what the settings need",
      ["feature: large_blocks"],
      [all, { ...all, large_blocks: "disabled" }, needing("large_blocks")],
    ],
    ["lacks what nothing needs", [], [all, { ...all, large_blocks: "disabled" }]],
    ["lacks what every plain stream carries", ["feature: embedded_data"], [all, { ...all, embedded_data: "disabled" }]],
    [
      "lacks it, and the source's pool does not use it",
      [],
      [
        { ...all, embedded_data: "enabled" },
        { ...all, embedded_data: "disabled" },
      ],
    ],
    ["lacks encryption for a plain stream", [], [all, { ...all, encryption: "disabled" }]],
    [
      "lacks encryption for a raw stream",
      ["feature: encryption"],
      [all, { ...all, encryption: "disabled" }, [], "L crypt: d1"],
    ],
    ["lacks what a raw stream does not carry", [], [all, { ...all, embedded_data: "disabled" }, [], "L crypt: d1"]],
    ["lacks what is not to be sent any more", [], [all, { ...all, embedded_data: "disabled" }, [], "L: d1*\nR: d1"]],
    ["did not tell", [], [all, undefined, needing("large_blocks")]],
  ])("%s", (_, expected, args) => {
    expect(lackOf(...args)).toEqual(expected);
  });

  test("nothing is sent, and what to do is said for both kinds of lack", () => {
    const { longname: _, ...older } = all;
    const { operations, blocked } = planned(
      all,
      { ...older, large_blocks: "disabled" },
      needing("large_blocks", "longname"),
    );
    expect(operations).toEqual([]);
    expect(blocked).toMatchObject([
      {
        message: "pool pool on there cannot hold what would be sent: it lacks large_blocks, longname",
        evidence: [
          "large_blocks: needed by here:tank/s, for large_blocks set; disabled there",
          "longname: needed by here:tank/s, for longname set; unknown to the OpenZFS there",
        ],
        remedies: [
          "update OpenZFS on there, then the pool there: zpool upgrade pool",
          "for good, there: zpool set feature@large_blocks=enabled pool",
        ],
      },
    ]);
  });
});
