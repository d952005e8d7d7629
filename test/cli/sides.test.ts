import { describe, expect, test } from "vitest";
import { Sides } from "../../src/cli/sides.ts";
import type { Part } from "../../src/cli/watch.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { ServiceSource } from "../../src/model/service.ts";
import type { Seconds } from "../../src/model/units.ts";
import { makeManifest } from "../property/manifests.ts";

/** A manifest that is told from others by one number. */
const numbered = (n: number): Manifest => makeManifest({ datasets: [], service: { every: n as Seconds, jitter: 0 } });
const numberOf = ({ service: { every } }: Manifest): number => every;

function sidesOf(part: Partial<Part> = {}, adapt?: (manifest: Manifest) => Promise<boolean>) {
  const said: string[] = [];
  const refused = new Map<number, string>();
  const whole: Part = {
    name: "HTTP",
    settings: (manifest) => numberOf(manifest) || undefined,
    async start(_, { manifest }) {
      const n = numberOf(manifest);
      const why = refused.get(n);
      if (why !== undefined) throw new Error(why);
      said.push(`start ${n}`);
      return {
        close: async () => {
          said.push(`close ${n}`);
        },
        ...(adapt && { adapt }),
      };
    },
    ...part,
  };
  const note = (details: object, message: string) => {
    said.push(`${message}: ${"error" in details ? String(details.error) : ""}`);
  };
  const log = { debug() {}, info() {}, warn() {}, error: note } as never;
  const sides = new Sides([whole], {} as ServiceSource, { env: {}, log });
  return { sides, said, refused };
}

describe("a part of the service", () => {
  test("is started anew when what it depends on changes, and ends when it is no longer wanted", async () => {
    const { sides, said } = sidesOf();
    for (const n of [1, 1, 2, 0, 3]) await sides.follow(numbered(n));
    await sides.close();
    expect(said).toEqual(["start 1", "close 1", "start 2", "close 2", "start 3", "close 3"]);
  });

  test("goes on as it was while the new one cannot be started, which is said once and tried again", async () => {
    const { sides, said, refused } = sidesOf({ mayOverlap: () => true });
    await sides.follow(numbered(1));
    refused.set(2, "EADDRINUSE");
    await sides.follow(numbered(2));
    await sides.retry();
    refused.delete(2);
    await sides.retry();
    await sides.retry();
    expect(said).toEqual([
      "start 1",
      "HTTP is not as the manifest has it; it is tried again: EADDRINUSE",
      "start 2",
      "close 1",
    ]);
  });

  test("that cannot run twice at once is tried again, too, also by the manifest before", async () => {
    const { sides, said, refused } = sidesOf();
    await sides.follow(numbered(1));
    refused.set(2, "EACCES");
    await sides.follow(numbered(2));
    await sides.follow(numbered(1));
    await sides.retry();
    expect(said.filter((line) => !line.startsWith("HTTP"))).toEqual(["start 1", "close 1", "start 1"]);
  });

  test("that can go over to other settings is not started anew; if it cannot now, it is tried again", async () => {
    const asked: string[] = [];
    const { sides, said } = sidesOf({}, async (manifest) => {
      asked.push(`${numberOf(manifest)}`);
      if (asked.length === 1) throw new Error("no such file");
      return true;
    });
    await sides.follow(numbered(1));
    await sides.follow(numbered(2));
    await sides.retry();
    await sides.retry();
    expect([said[0], asked]).toEqual(["start 1", ["2", "2"]]);
    expect(said[1]).toContain("no such file");
    expect(said).toHaveLength(2);
  });

  test("that can read anew what its settings refer to does so when it is told to; no other one is started anew", async () => {
    const asked: string[] = [];
    const able = sidesOf({}, async (manifest) => {
      asked.push(`${numberOf(manifest)}`);
      if (asked.length === 1) throw new Error("no such file");
      return true;
    });
    const unable = sidesOf();
    for (const { sides } of [able, unable]) {
      await sides.follow(numbered(1));
      await sides.reload();
      await sides.retry();
      await sides.retry();
    }
    expect([asked, able.said]).toEqual([
      ["1", "1"],
      ["start 1", expect.stringContaining("no such file")],
    ]);
    expect(unable.said).toEqual(["start 1"]);
  });

  test("that cannot be started with the service ends it", async () => {
    const { sides, refused } = sidesOf();
    refused.set(1, "EADDRINUSE");
    await expect(sides.follow(numbered(1), true)).rejects.toThrow("HTTP: EADDRINUSE");
  });
});
