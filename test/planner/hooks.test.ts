import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/apply/engine.ts";
import { Limits } from "../../src/apply/lanes.ts";
import type { Hook } from "../../src/model/manifest.ts";
import type { HookOperation, Operation } from "../../src/model/plan.ts";
import type { Outcome } from "../../src/model/report.ts";
import type { Seconds } from "../../src/model/units.ts";
import { withHooks } from "../../src/planner/hooks.ts";
import type { Source } from "../../src/planner/sources.ts";
import { at, backupOp, createOp, destroyOp, planOf, sendOp } from "../apply/operations.ts";
import { randomCases } from "../random.ts";

const hook = (around: Hook["around"], more: Partial<Hook> = {}): Hook => ({
  around,
  before: { command: ["before", around] },
  after: { command: ["after", around] },
  timeout: 60 as Seconds,
  onFailure: "abort",
  ...more,
});

const source = (dataset: string, hooks: readonly Hook[]): Source => {
  const { host, dataset: name } = at(dataset);
  return { address: `${host}:${name}`, host, dataset: name, keys: { hooks } } as unknown as Source;
};

const short = (operations: readonly Operation[]): string[] => {
  const word = (one: Operation): string => (one.kind === "hook" ? `${one.phase} ${one.around}` : one.id);
  const words = new Map(operations.map((one) => [one.id, word(one)]));
  return operations.map((one) =>
    one.kind === "hook" ? `${word(one)} [${one.encloses.map((id) => words.get(id)).join(" ")}]` : one.id,
  );
};

describe("where hooks stand", () => {
  const operations = [
    createOp("c", "tank/a", "1"),
    sendOp("s", "tank/a", { dependsOn: ["c"] }),
    destroyOp("d", "tank/b"),
  ];

  test("around what they are about, one within the other", () => {
    const hooks = [hook("snapshot"), hook("run")];
    expect(short(withHooks(operations, [source("tank/a", hooks)]))).toEqual([
      "before run [before snapshot c after snapshot s]",
      "before snapshot [c]",
      "c",
      "after snapshot [c]",
      "s",
      "after run [before snapshot c after snapshot s]",
      "d",
    ]);
  });

  test("around each backup, one after the other: what is stopped for the next one is not started by the last one", () => {
    const backups = [
      createOp("c", "tank/a", "1"),
      backupOp("x", "tank/a", "usb", { dependsOn: ["c"] }),
      backupOp("y", "tank/a", "cloud", { dependsOn: ["c"] }),
    ];
    const made = withHooks(backups, [source("tank/a", [hook("backup"), hook("backup", { onFailure: "warn" })])]);
    expect(short(made)).toEqual([
      "c",
      "before backup [before backup x after backup]",
      "before backup [x]",
      "x",
      "after backup [x]",
      "after backup [before backup x after backup]",
      "before backup [before backup y after backup]",
      "before backup [y]",
      "y",
      "after backup [y]",
      "after backup [before backup y after backup]",
    ]);
    const befores = made.filter((one) => one.kind === "hook" && one.phase === "before");
    // nothing is stopped for a backup that has to wait for something else
    expect(befores.map(({ dependsOn }) => dependsOn.includes("c"))).toEqual([true, true, true, true]);
    const ends = made.filter((one) => one.kind === "hook" && one.phase === "after").map(({ id }) => id);
    expect(befores.map(({ after = [] }) => after.filter((id) => ends.includes(id)))).toEqual([
      [],
      [],
      [ends[0], ends[1]],
      [ends[0]],
    ]);
  });

  test("nothing is stopped for a snapshot that has to wait for room", () => {
    const cramped = [destroyOp("room", "tank/a"), createOp("c", "tank/a", "1", { after: ["room"] })];
    const [, before] = withHooks(cramped, [source("tank/a", [hook("snapshot")])]);
    expect(before).toMatchObject({ kind: "hook", phase: "before", after: ["room"] });
  });

  test("nowhere, where there is nothing to stand around", () => {
    expect(withHooks(operations, [source("tank/b", [hook("snapshot")]), source("tank/c", [hook("run")])])).toEqual(
      operations,
    );
  });

  test("a snapshot with hooks has a command of its own, and no other dataset is stopped for longer", () => {
    const both = [createOp("c", "tank/a", "tank daily"), createOp("o", "tank/b", "tank daily")];
    const [, first, , second] = withHooks(both, [source("tank/a", [hook("snapshot")])]);
    expect([first, second]).toMatchObject([{ id: "c" }, { id: "o", atomic: "tank daily" }]);
    expect(first).not.toMatchObject({ atomic: "tank daily" });
  });

  test("of a group all are within the hooks of any", () => {
    const group = ["c", "o"].map((id) => ({
      ...createOp(id, `tank/${id}`, "tank daily group 1"),
      together: true as const,
    }));
    const made = withHooks(group, [source("tank/c", [hook("snapshot")]), source("tank/o", [hook("snapshot")])]);
    const creates = made.filter(({ kind }) => kind === "create");
    expect(creates.map(({ dependsOn }) => dependsOn.length)).toEqual([2, 2]);
    expect(creates).toMatchObject([{ atomic: "tank daily group 1" }, { atomic: "tank daily group 1" }]);
    const stack = made.flatMap((one) => (one.kind === "hook" ? [`${one.phase} ${one.source}`] : []));
    expect(stack).toEqual(["before nas:tank/c", "before nas:tank/o", "after nas:tank/o", "after nas:tank/c"]);
  });
});

const outcomes = fc.constantFrom<Outcome>("done", "done", "done", "failed", "partial", "stale", "interrupted");
const hooks = fc.array(
  fc.record({
    around: fc.constantFrom("snapshot" as const, "backup" as const, "run" as const),
    has: fc.constantFrom("both", "before", "after"),
    onFailure: fc.constantFrom("abort" as const, "warn" as const),
  }),
  { maxLength: 4 },
);

test("whatever fails, and whenever it is interrupted: what was begun is ended, inner ones first", async () => {
  await fc.assert(
    fc.asyncProperty(
      hooks,
      fc.array(outcomes, { minLength: 20, maxLength: 20 }),
      fc.nat({ max: 40 }),
      async (given, ends, stopAt) => {
        const own = given.map(({ around, has, onFailure }) => {
          const { before, after, ...rest } = hook(around, { onFailure });
          return { ...rest, ...(has !== "after" && { before }), ...(has !== "before" && { after }) } as Hook;
        });
        const plain = [
          createOp("c", "tank/a", "1"),
          sendOp("s", "tank/a", { dependsOn: ["c"] }),
          ...["x", "y"].flatMap((at) => [
            backupOp(`${at}1`, "tank/a", at, { dependsOn: ["c"] }),
            backupOp(`${at}2`, "tank/b", at),
          ]),
          destroyOp("d", "tank/a", { dependsOn: ["s"] }),
        ];
        const operations = withHooks(plain, [source("tank/a", own), source("tank/b", own)]);
        const log: string[] = [];
        const clean = new AbortController();
        let count = 0;
        const engine = new Engine(
          planOf(operations),
          {
            limits: new Limits(4),
            signal: clean.signal,
            urgent: new AbortController().signal,
            onEvent: (kind, { id }) => log.push(`${kind} ${id}`),
            now: () => new Date(0),
          },
          {
            eyes: {
              observe: async () => ({ state: "absent" }),
              skim: async () => undefined,
              glance: async () => new Map(),
              list: async () => ({ state: "unobserved", reason: "not here" }),
            },
            run: async (batch) => {
              if (count++ === stopAt) clean.abort();
              await new Promise((resolve) => setImmediate(resolve));
              return new Map(
                batch.map(({ id }, index) => [id, { outcome: ends[(count + index) % ends.length] ?? "done" }]),
              );
            },
          },
        );
        const report = await engine.run();
        const of = new Map(report.operations.map((one) => [one.id, one]));
        expect(of.size).toBe(operations.length);
        const when = (event: string): number => log.indexOf(event);
        expectUndisturbed(operations, log);
        for (const one of operations) {
          if (one.kind !== "hook") continue;
          const { encloses, closes, id, phase, onFailure } = one;
          if (phase === "before") {
            for (const inner of encloses) {
              if (when(`started ${inner}`) < 0) continue;
              expect(when(`started ${inner}`), `${inner} after ${id}`).toBeGreaterThan(when(`finished ${id}`));
              if (onFailure === "abort") expect(of.get(id)?.outcome).toBe("done");
            }
            continue;
          }
          const begun = (closes === undefined ? encloses : [closes]).some((each) => when(`started ${each}`) >= 0);
          expect(when(`started ${id}`) >= 0, id).toBe(begun);
          if (!begun) continue;
          for (const inner of encloses) expect(when(`finished ${inner}`)).toBeLessThan(when(`started ${id}`));
          const within = operations.filter(
            (other): other is HookOperation =>
              other.kind === "hook" && other !== one && other.phase === "after" && isInside(other, one, operations),
          );
          for (const other of within)
            expect(when(`finished ${other.id}`), `${other.id} in ${id}`).toBeLessThan(when(`started ${id}`));
        }
      },
    ),
    randomCases(0.02, "hooks"),
  );
});

/** While something is stopped for a backup, that backup waits for no other one in its repository. */
function expectUndisturbed(operations: readonly Operation[], log: readonly string[]): void {
  const backups = operations.filter((one) => one.kind === "backup");
  for (const own of backups) {
    const started = log.indexOf(`started ${own.id}`);
    const before = operations.find(
      (one) =>
        one.kind === "hook" && one.around === "backup" && one.phase === "before" && one.encloses.includes(own.id),
    );
    const stopped = log.indexOf(`started ${before?.id}`);
    if (stopped < 0 || started < 0) continue;
    for (const other of backups) {
      if (other === own || other.at.repository !== own.at.repository) continue;
      const [from, to] = [log.indexOf(`started ${other.id}`), log.indexOf(`finished ${other.id}`)];
      expect(from < 0 || to < stopped || from > started, `${other.id} while stopped for ${own.id}`).toBe(true);
    }
  }
}

/** Nested: it stands in the list between the two of the other. */
const isInside = (inner: HookOperation, outer: HookOperation, all: readonly Operation[]): boolean =>
  inner.encloses.every((id) => outer.encloses.includes(id)) && all.indexOf(inner) < all.indexOf(outer);
