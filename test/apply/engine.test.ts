import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Engine, type EngineOptions, type Machinery } from "../../src/apply/engine.ts";
import { Limits } from "../../src/apply/lanes.ts";
import type { Observed } from "../../src/apply/preconditions.ts";
import type { HookOperation, Operation } from "../../src/model/plan.ts";
import type { Outcome, Report } from "../../src/model/report.ts";
import type { Guid, RepositoryKey, Seconds } from "../../src/model/units.ts";
import type { Result } from "../../src/remotes/result.ts";
import { at, backupOp, createOp, destroyOp, guid, planOf, sendOp } from "./operations.ts";

/** Runs a plan whose operations end as `how` says, and records the order of starts and ends. */
async function run(
  operations: readonly Operation[],
  how: (id: string) => Result | Promise<Result> = () => ({ outcome: "done" }),
  options: Partial<EngineOptions> & { readonly eyes?: Partial<Machinery["eyes"]> } = {},
): Promise<{ report: Report; log: string[]; outcomes: Record<string, Outcome>; batches: string[][] }> {
  const log: string[] = [];
  const batches: string[][] = [];
  const engine = new Engine(
    planOf(operations),
    {
      limits: new Limits(4),
      signal: new AbortController().signal,
      urgent: new AbortController().signal,
      onEvent: (kind, event) => log.push(`${kind} ${event.id}`),
      now: () => new Date(),
      ...options,
    },
    {
      eyes: {
        observe: async (): Promise<Observed> => ({ state: "absent" }),
        skim: async () => undefined,
        glance: async () => new Map<string, Guid>(),
        list: async () => ({ state: "unobserved", reason: "not here" }),
        ...options.eyes,
      },
      run: async (batch) => {
        batches.push(batch.map(({ id }) => id));
        return new Map(await Promise.all(batch.map(async ({ id }) => [id, await how(id)] as const)));
      },
    },
  );
  const report = await engine.run();
  return { report, log, batches, outcomes: Object.fromEntries(report.operations.map((o) => [o.id, o.outcome])) };
}

const FAILED: Result = { outcome: "failed", error: { message: "no" } };

test("warnings stand beside the outcome, not in an error", async () => {
  const { report } = await run([sendOp("a", "tank/a")], () => ({
    outcome: "done",
    warnings: ["read-only is not set"],
  }));
  expect(report.operations).toMatchObject([{ outcome: "done", warnings: ["read-only is not set"] }]);
  expect(report.operations[0]).not.toHaveProperty("error");
});

describe("order", () => {
  test("what depends on a failure is skipped, down the chain; the rest goes on", async () => {
    const { outcomes } = await run(
      [
        sendOp("a", "tank/a"),
        sendOp("a2", "tank/a", { dependsOn: ["a"] }),
        destroyOp("a3", "tank/a", { dependsOn: ["a2"] }),
        sendOp("b", "tank/b"),
        destroyOp("b2", "tank/b", { dependsOn: ["b"] }),
      ],
      (id) => (id === "a" ? FAILED : { outcome: "done" }),
    );
    expect(outcomes).toEqual({ a: "failed", a2: "skipped", a3: "skipped", b: "done", b2: "done" });
  });

  test("creates of one instant run together, once all that they wait for has ended", async () => {
    const { batches, outcomes } = await run(
      [
        createOp("h1", "tank/a", "hourly"),
        createOp("h2", "tank/b", "hourly"),
        createOp("d1", "tank/a", "daily", { dependsOn: ["h1"] }),
        createOp("d2", "tank/b", "daily", { dependsOn: ["h2"] }),
        createOp("d3", "tank/c", "daily"),
      ],
      (id) => (id === "h2" ? FAILED : { outcome: "done" }),
    );
    expect(batches).toEqual([
      ["h1", "h2"],
      ["d1", "d3"],
    ]);
    expect(outcomes).toEqual({ h1: "done", h2: "failed", d1: "done", d2: "skipped", d3: "done" });
  });

  test("creates whose instants wait for each other are taken all the same", async () => {
    const { outcomes } = await run([
      createOp("ah", "tank/a", "hourly"),
      createOp("ad", "tank/a", "daily", { dependsOn: ["ah"] }),
      createOp("bd", "tank/b", "daily"),
      createOp("bh", "tank/b", "hourly", { dependsOn: ["bd"] }),
    ]);
    expect(new Set(Object.values(outcomes))).toEqual(new Set(["done"]));
  });

  test("a dependency that is not in the plan, and a circle, skip instead of hanging", async () => {
    const { outcomes } = await run([
      destroyOp("x", "tank/x", { dependsOn: ["nowhere"] }),
      destroyOp("y", "tank/y", { dependsOn: ["z"] }),
      destroyOp("z", "tank/z", { dependsOn: ["y"] }),
      destroyOp("w", "tank/w"),
    ]);
    expect(outcomes).toEqual({ x: "skipped", y: "skipped", z: "skipped", w: "done" });
  });

  test("10,000 operations in a chain and in one star, without a stack or a queue overflowing", async () => {
    const chain = Array.from({ length: 5000 }, (_, index) =>
      sendOp(`c${index}`, "tank/chain", { dependsOn: index === 0 ? [] : [`c${index - 1}`] }),
    );
    const star = Array.from({ length: 5000 }, (_, index) =>
      destroyOp(`s${index}`, `tank/${index}`, { dependsOn: ["c10"] }),
    );
    const { outcomes } = await run([...chain, ...star]);
    expect(Object.values(outcomes).filter((outcome) => outcome === "done")).toHaveLength(10_000);
  });
});

describe("how much at once", () => {
  async function peak(operations: readonly Operation[], concurrency: number): Promise<number> {
    let running = 0;
    let most = 0;
    await run(
      operations,
      async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return { outcome: "done" };
      },
      { limits: new Limits(concurrency) },
    );
    return most;
  }

  test.each([
    ["streams to many datasets", Array.from({ length: 20 }, (_, n) => sendOp(`${n}`, `tank/${n}`)), 3, 3],
    ["streams to one dataset", Array.from({ length: 20 }, (_, n) => sendOp(`${n}`, "tank/a")), 3, 1],
    ["commands in one pool", Array.from({ length: 20 }, (_, n) => destroyOp(`${n}`, `tank/${n}`)), 1, 4],
    ["commands in two pools", Array.from({ length: 20 }, (_, n) => destroyOp(`${n}`, `p${n % 2}/${n}`)), 1, 8],
  ])("%s", async (_, operations, concurrency, expected) => {
    expect(await peak(operations, concurrency)).toBe(expected);
  });
});

describe("what must still be true", () => {
  const guarded = (id: string, dataset: string, expected: string) =>
    destroyOp(id, dataset, {
      preconditions: [
        { ...at(dataset), kind: "dataset", guid: guid(expected) },
        { ...at(dataset), kind: "present", snapshot: { name: "b", guid: guid(9) }, bookmark: false },
      ],
    });

  test("an operation whose precondition no longer holds is stale, and nothing of it runs", async () => {
    const { outcomes, batches, report } = await run([guarded("a", "tank/a", "1"), destroyOp("b", "tank/b")]);
    expect(outcomes).toEqual({ a: "stale", b: "done" });
    expect(batches).toEqual([["b"]]);
    expect(report.operations[0]?.error?.message).toContain("nas:tank/a is not there any more");
  });

  test("what cannot be observed is no reason to go on: failed, not stale", async () => {
    const eyes = { observe: async (): Promise<Observed> => ({ state: "unobserved", reason: "timeout" }) };
    const { outcomes, batches } = await run([guarded("a", "tank/a", "1")], undefined, { eyes });
    expect(outcomes).toEqual({ a: "failed" });
    expect(batches).toEqual([]);
  });

  test("a look that throws fails this operation alone", async () => {
    const eyes = { observe: () => Promise.reject(new Error("boom")) };
    const { outcomes } = await run([guarded("a", "tank/a", "1"), destroyOp("b", "tank/b")], undefined, { eyes });
    expect(outcomes).toEqual({ a: "failed", b: "done" });
  });

  test("datasets of which only the guid matters are looked at together, those that are gone taken out", async () => {
    const glances: number[] = [];
    const eyes: Partial<Machinery["eyes"]> = {
      observe: () => Promise.reject(new Error("not needed")),
      glance: async (_, datasets) => {
        glances.push(datasets.length);
        return new Map(datasets.filter((name) => name !== "tank/2").map((name) => [name, guid(7)]));
      },
    };
    const operations = Array.from({ length: 100 }, (_, n) =>
      createOp(`${n}`, `tank/${n}`, "daily", {
        preconditions: [{ ...at(`tank/${n}`), kind: "dataset", guid: guid(n === 3 ? 8 : 7) }],
      }),
    );
    const { outcomes, batches } = await run(operations, undefined, { eyes });
    expect(glances).toEqual([100]);
    expect(batches[0]).toHaveLength(98);
    expect([outcomes["2"], outcomes["3"], outcomes["4"]]).toEqual(["stale", "stale", "done"]);
  });

  test("every dataset is looked at once an operation", async () => {
    const looked: string[] = [];
    const eyes = {
      observe: async (place: { dataset: string }): Promise<Observed> => {
        looked.push(place.dataset);
        return { state: "absent" };
      },
    };
    const absent = (dataset: string) => ({ ...at(dataset), kind: "absent" }) as const;
    await run([destroyOp("a", "tank/a", { preconditions: [absent("x"), absent("x"), absent("y")] })], undefined, {
      eyes,
    });
    expect(looked.sort()).toEqual(["x", "y"]);
  });
});

describe("hosts out of reach", () => {
  test("after the first operation found out, the others there are not tried", async () => {
    const lost: Result = { outcome: "failed", error: { message: "vault: no route" }, lost: sendOp("", "x").at.host };
    const { outcomes, batches } = await run(
      [sendOp("a", "tank/a"), sendOp("b", "tank/b"), destroyOp("c", "tank/c")],
      (id) => (id === "a" ? lost : { outcome: "done" }),
      { limits: new Limits(1) },
    );
    expect(outcomes).toEqual({ a: "failed", b: "failed", c: "done" });
    expect(batches).not.toContainEqual(["b"]);
  });
});

describe("hooks", () => {
  const hook = (id: string, more: Partial<HookOperation>): HookOperation => ({
    id,
    kind: "hook",
    source: createOp("", "tank/a", "").source,
    at: at("tank/a"),
    around: "snapshot",
    phase: "before",
    action: { command: ["true"] },
    timeout: 60 as Seconds,
    onFailure: "abort",
    encloses: ["c"],
    reason: "",
    dependsOn: [],
    preconditions: [],
    ...more,
  });
  const lost: Result = { outcome: "failed", error: { message: "nas: no route" }, lost: at("").host };

  test("what was stopped is started again, though its host was out of reach meanwhile", async () => {
    const { outcomes } = await run(
      [
        hook("before", {}),
        createOp("c", "tank/a", "1", { dependsOn: ["before"] }),
        hook("after", { phase: "after", closes: "before", after: ["before", "c"] }),
        hook("later", { after: ["c"] }),
        hook("call", { after: ["c"], action: { http: { url: "http://here", method: "GET", headers: {} } } }),
      ],
      (id) => (id === "c" ? lost : { outcome: "done" }),
    );
    expect(outcomes).toEqual({ before: "done", c: "failed", after: "done", later: "failed", call: "done" });
  });

  test("a snapshot that something is stopped for does not wait for deletions", async () => {
    let free = (): void => {};
    const busy = new Promise<void>((resolve) => {
      free = resolve;
    });
    const { log } = await run(
      [
        ...Array.from({ length: 4 }, (_, n) => destroyOp(`d${n}`, `tank/${n}`)),
        destroyOp("own", "tank/a"),
        hook("before", {}),
        createOp("c", "tank/a", "1", { dependsOn: ["before"] }),
      ],
      async (id) => {
        if (id === "c") free();
        if (id !== "before") await busy;
        return { outcome: "done" };
      },
    );
    expect(log.indexOf("started c")).toBeLessThan(log.indexOf("finished d0"));
  });

  test("nothing is done in a repository that could not be made ready", async () => {
    const unavailable = new Map([["usb" as RepositoryKey, { message: "usb: no such device", hint: "plug it in" }]]);
    const { report, batches } = await run(
      [backupOp("b", "tank/a", "usb"), backupOp("o", "tank/a", "cloud")],
      undefined,
      { unavailable },
    );
    expect(report.operations).toMatchObject([
      { outcome: "failed", error: { message: "not tried: usb: no such device", hint: "plug it in" } },
      { outcome: "done" },
    ]);
    expect(batches).toEqual([["o"]]);
  });
});

describe("ended from outside", () => {
  test("what runs ends by itself, what was not started is interrupted", async () => {
    const stop = new AbortController();
    const { outcomes, report } = await run(
      [sendOp("a", "tank/a"), sendOp("b", "tank/b", { dependsOn: ["a"] }), sendOp("c", "tank/c")],
      () => {
        stop.abort();
        return { outcome: "done" };
      },
      { signal: stop.signal, limits: new Limits(1) },
    );
    expect(outcomes).toEqual({ a: "done", b: "interrupted", c: "interrupted" });
    expect(report.finished).toBe(false);
    expect(report.operations.map(({ seconds }) => seconds > 0).slice(1)).toEqual([false, false]);
  });

  test("at once: does not wait for what runs", async () => {
    const urgent = new AbortController();
    const { outcomes, report } = await run(
      [sendOp("a", "tank/a"), destroyOp("b", "tank/a", { dependsOn: ["a"] })],
      () => {
        queueMicrotask(() => urgent.abort());
        return new Promise(() => {});
      },
      { urgent: urgent.signal },
    );
    expect(outcomes).toEqual({ a: "interrupted", b: "skipped" });
    expect(report.finished).toBe(false);
  });
});

describe("any subset fails", () => {
  const ends: Result[] = [
    { outcome: "done" },
    { outcome: "done" },
    { outcome: "done" },
    FAILED,
    { outcome: "stale", error: { message: "changed" } },
  ];
  const world = fc.array(
    fc.record({
      kind: fc.constantFrom("create", "send", "destroy"),
      dataset: fc.nat(5),
      end: fc.constantFrom(...ends),
      dependsOn: fc.array(fc.nat(39), { maxLength: 3 }),
    }),
    { maxLength: 40 },
  );

  test("each operation is reported once; it ran exactly if all it depends on was done before it started", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (shapes) => {
        const operations = shapes.map(({ kind, dataset, dependsOn }, index) => {
          const shape = { dependsOn: dependsOn.filter((other) => other < index).map(String) };
          if (kind === "create") return createOp(`${index}`, `tank/${dataset}`, `at${dataset % 2}`, shape);
          return (kind === "send" ? sendOp : destroyOp)(`${index}`, `tank/${dataset}`, shape);
        });
        const end = (id: string): Result => shapes[Number(id)]?.end ?? FAILED;
        const { report, log, outcomes, batches } = await run(operations, async (id) => {
          await Promise.resolve();
          return end(id);
        });
        expect(report.operations.map(({ id }) => id)).toEqual(operations.map(({ id }) => id));
        const ran = batches.flat();
        expect(new Set(ran).size).toBe(ran.length);
        for (const { id, dependsOn } of operations) {
          const may = dependsOn.every((other) => outcomes[other] === "done");
          expect(outcomes[id]).toBe(may ? end(id).outcome : "skipped");
          expect(ran.includes(id)).toBe(may);
          expect(log.filter((line) => line === `finished ${id}`)).toHaveLength(1);
          for (const other of may ? dependsOn : []) {
            expect(log.indexOf(`finished ${other}`)).toBeLessThan(log.indexOf(`started ${id}`));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("several runs at once", () => {
  test("share what may happen at once: one change of a repository at a time", async () => {
    const limits = new Limits(4);
    let running = 0;
    let most = 0;
    const how = async (): Promise<Result> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return { outcome: "done" };
    };
    await Promise.all(["a", "b", "c"].map((id) => run([backupOp(id, `tank/${id}`, "usb")], how, { limits })));
    expect(most).toBe(1);
  });

  test("one whose plan no longer holds starts nothing more, ends what runs, and puts an end to what it began", async () => {
    const superseded = new AbortController();
    const hook = (id: string, phase: "before" | "after"): HookOperation => ({
      id,
      kind: "hook",
      source: createOp("x", "tank/a", "x").source,
      at: at("tank/a"),
      around: "run",
      phase,
      action: { command: ["true"] },
      timeout: 1 as Seconds,
      onFailure: "abort",
      encloses: ["one", "two"],
      ...(phase === "after" && { closes: "before" }),
      reason: "",
      dependsOn: [],
      ...(phase === "after" && { after: ["one", "two"] }),
      preconditions: [],
    });
    const operations = [
      hook("before", "before"),
      sendOp("one", "tank/a", { dependsOn: ["before"] }),
      destroyOp("two", "tank/a", { dependsOn: ["one"] }),
      hook("after", "after"),
    ];
    const { outcomes, report } = await run(
      operations,
      (id) => {
        if (id === "one") superseded.abort();
        return { outcome: "done" };
      },
      { superseded: superseded.signal },
    );
    expect(outcomes).toEqual({ before: "done", one: "done", two: "interrupted", after: "done" });
    expect(report.finished).toBe(false);
  });
});
