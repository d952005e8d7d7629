import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../../src/model/manifest.ts";
import type { ManifestState } from "../../src/model/service.ts";
import { renderDiagnostics } from "../../src/render/diagnostics.ts";
import { Keeper, type Material } from "../../src/service/keeper.ts";
import { parse } from "../manifest/helpers.ts";
import { FakeClock } from "./fake-clock.ts";

const good = (hourly: number): string => `version: 1
datasets: { tank: { keep: { hourly: ${hourly} } } }
`;
const judge = ({ files, policies }: Material) => {
  const { manifest, diagnostics } = parse(files[0]?.text ?? "");
  if (policies === "nothing") return { error: "not allowed here" };
  return manifest ? { manifest } : { error: renderDiagnostics(diagnostics, { color: false }) };
};
const material = (text: string, more: Partial<Material> = {}): Material => ({
  files: [{ name: "m.yaml", text }],
  folder: "/",
  suspended: [],
  ...more,
});

function keeping(text: string) {
  const clock = new FakeClock("2026-03-01T10:20:00Z");
  const adopted: { readonly manifest: Manifest; readonly changes: readonly string[] }[] = [];
  const states: ManifestState[] = [];
  const forbidden: number[] = [];
  const now = { material: material(text), reads: 0 };
  const first = judge(now.material);
  if (!("manifest" in first)) throw new Error(first.error);
  const keeper = new Keeper(first.manifest, now.material, {
    path: "m.yaml",
    clock,
    read: async () => {
      now.reads += 1;
      return now.material;
    },
    parse: judge,
    onManifest: (manifest, changes) => adopted.push({ manifest, changes }),
    onForbidden: () => forbidden.push(clock.now()),
    onState: (state) => states.push(state),
  });
  const check = async (): Promise<void> => {
    const checked = keeper.check();
    await clock.pass(1000);
    await checked;
  };
  return { keeper, clock, adopted, states, forbidden, now, check };
}

describe("the manifest in force", () => {
  test("is the new one when it is good, with what changed", async () => {
    const { now, check, adopted, states, keeper } = keeping(good(24));
    now.material = material(good(48));
    await check();
    expect(adopted).toHaveLength(1);
    expect(adopted[0]?.changes).toEqual([
      "--- m.yaml",
      "+++ m.yaml",
      "@@ -1,2 +1,2 @@",
      " version: 1",
      "-datasets: { tank: { keep: { hourly: 24 } } }",
      "+datasets: { tank: { keep: { hourly: 48 } } }",
    ]);
    expect(states).toEqual([keeper.state]);
    expect(keeper.state).toMatchObject({ valid: true, digest: adopted[0]?.manifest.digest });
  });

  test("stays when what is there is wrong, which is told once; and when it is back, nothing has changed", async () => {
    const { now, check, adopted, states, keeper } = keeping(good(24));
    const { digest } = keeper.state;
    for (const text of ["version: 1\ndatsets: {}", "version: 1\ndatsets: {}", good(24)]) {
      now.material = material(text);
      await check();
    }
    expect(adopted).toEqual([]);
    expect(states.map(({ valid }) => valid)).toEqual([false, true]);
    expect(states[0]?.error).toContain("did you mean datasets?");
    expect(keeper.state.digest).toBe(digest);
  });

  test("is not one that is being written: half of a number is a number, too", async () => {
    const { now, clock, keeper, adopted } = keeping(good(24));
    now.material = material(good(2));
    const checked = keeper.check();
    await clock.pass(200);
    now.material = material(good(248));
    await clock.pass(200);
    expect(adopted).toEqual([]);
    await clock.pass(400);
    await checked;
    expect(adopted).toHaveLength(1);
    expect(adopted[0]?.changes.at(-1)).toContain("hourly: 248");
  });

  test("is another one when something is suspended, or resumed", async () => {
    const { now, check, adopted } = keeping(good(24));
    now.material = material(good(24), { suspended: ["tank"] });
    await check();
    now.material = material(good(24));
    await check();
    expect(adopted.map(({ changes }) => changes)).toEqual([[], []]);
  });

  test("is so no longer once this machine forbids it, whatever the files are like, until it allows it again", async () => {
    const { now, check, adopted, forbidden, keeper } = keeping(good(24));
    now.material = material(good(24), { policies: "nothing" });
    await check();
    expect(forbidden).toHaveLength(1);
    expect(keeper.state).toMatchObject({ valid: false, stopped: true, error: "not allowed here" });
    now.material = material("garbage", { policies: "nothing", error: "no manifest" });
    await check();
    expect(keeper.state).toMatchObject({ stopped: true, error: "not allowed here\nno manifest" });
    expect([forbidden.length, adopted.length]).toEqual([1, 0]);
    now.material = material("garbage", { policies: "anything", error: "no manifest" });
    await check();
    // the last good one is in force again
    expect(adopted.map(({ manifest, changes }) => [manifest.digest, changes])).toEqual([[keeper.state.digest, []]]);
    expect(keeper.state).toMatchObject({ valid: false, error: "no manifest" });
    expect(keeper.state.stopped).toBeUndefined();
    now.material = material(good(24), { policies: "nothing" });
    await check();
    now.material = material(good(24));
    await check();
    expect([forbidden.length, adopted.length, keeper.state.valid]).toEqual([2, 2, true]);
  });

  test("shows the commit that it is from", async () => {
    const { now, check, adopted, keeper } = keeping(good(24));
    now.material = material(good(24), { commit: "abc" });
    await check();
    expect(keeper.state.commit).toBe("abc");
    now.material = material(good(24), { commit: "abc", error: "the remote is away" });
    await check();
    expect(keeper.state).toMatchObject({ commit: "abc", valid: false, error: "the remote is away" });
    expect(adopted).toEqual([]);
  });

  test("is valid although nobody can say whether there is a newer one", async () => {
    const { now, check, keeper } = keeping(good(24));
    now.material = material(good(24), { commit: "abc", unreachable: "cannot fetch" });
    await check();
    expect(keeper.state).toMatchObject({ valid: true, unreachable: "cannot fetch" });
    now.material = material(good(24), { commit: "abc" });
    await check();
    expect(keeper.state.unreachable).toBeUndefined();
  });

  test("outlives garbage, a thousand times", async () => {
    const { now, check, adopted, keeper } = keeping(good(24));
    const { digest } = keeper.state;
    const whole = good(24);
    for (let n = 0; n < 1000; n += 1) {
      const texts = [
        randomBytes(n % 200).toString("latin1"),
        whole.slice(0, n % (whole.length - 10)),
        `${whole}${"a: &a [*a]\n".repeat(n % 5)}x`,
        "",
      ];
      now.material = material(texts[n % texts.length] ?? "");
      await check();
    }
    // a beginning of a manifest may be one: of nothing but its version
    expect(adopted.every(({ manifest }) => manifest.datasets.length === 0)).toBe(true);
    now.material = material(whole);
    await check();
    expect(keeper.state).toMatchObject({ valid: true, digest });
  });
});
