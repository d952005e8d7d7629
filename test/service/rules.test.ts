import { describe, expect, test } from "vitest";
import { togetherWith } from "../../src/apply/graph.ts";
import type { Operation } from "../../src/model/plan.ts";
import type { OperationReport, Outcome } from "../../src/model/report.ts";
import type { PassResult } from "../../src/model/service.ts";
import type { Address, RepositoryKey } from "../../src/model/units.ts";
import { Busy } from "../../src/service/busy.ts";
import { choose, type Readiness } from "../../src/service/choose.ts";
import { conditionsOf, type Facts } from "../../src/service/conditions.ts";
import { resultOfRun, worst } from "../../src/service/outcome.ts";
import { FRESH, interval, paceAfterLook, paceAfterRun, retryDelay, WAIT_MS } from "../../src/service/pace.ts";
import { split } from "../../src/service/split.ts";
import { backupOp, createOp, destroyOp, planOf, sendOp } from "../apply/operations.ts";

describe("when it is tried again", () => {
  test.each([
    [1, 0, 5],
    [1, 1, 5],
    [2, 0, 8],
    [2, 1, 10],
    [5, 1, 80],
    [8, 1, 640],
    [9, 0, 720],
    [9, 1, 900],
    [1000, 1, 900],
  ])("after %i failures, by chance %d: %d s", (failures, chance, seconds) =>
    expect(retryDelay(failures, chance)).toBe(seconds * 1000),
  );

  const at = { now: 1_000_000, chance: 1 };
  const failing = { failures: 3, notBefore: 500_000, passes: 1 };
  test.each<[PassResult, number, number]>([
    ["clean", 0, 0],
    ["blocked", 0, 0],
    ["waiting", 3, at.now + WAIT_MS],
    ["failed", 4, at.now + 40_000],
  ])("after a pass that was %s", (result, failures, notBefore) =>
    expect(paceAfterRun(failing, result, at)).toEqual({ failures, notBefore, passes: 2 }),
  );

  test.each<[PassResult, object]>([
    ["clean", FRESH],
    ["blocked", FRESH],
    ["waiting", { ...failing, notBefore: at.now + WAIT_MS }],
    ["failed", { ...failing, failures: 4, notBefore: at.now + 40_000 }],
  ])("after a look that found it %s", (result, pace) => expect(paceAfterLook(failing, result, at)).toEqual(pace));

  test("looks before its time change nothing", () => {
    const early = { now: 400_000, chance: 1 };
    for (const result of ["waiting", "failed"] as const) expect(paceAfterLook(failing, result, early)).toBe(failing);
  });

  test("what is never done is not done all the time", () => {
    let pace = FRESH;
    for (let pass = 0; pass < 3; pass += 1) pace = paceAfterRun(pace, "clean", at);
    expect(pace.notBefore).toBe(0);
    expect(paceAfterRun(pace, "clean", at).notBefore).toBe(at.now + WAIT_MS);
  });

  test.each([
    [0, 270_000],
    [0.5, 300_000],
    [1, 330_000],
  ])("the interval by chance %d", (chance, ms) => expect(interval({ every: 300, jitter: 10 }, chance)).toBeCloseTo(ms));
});

describe("how a pass ended", () => {
  const report = (outcome: Outcome): OperationReport => ({
    id: outcome,
    kind: "send",
    source: "a:tank" as Address,
    description: "",
    outcome,
    seconds: 0,
  });
  test.each<[readonly Outcome[], PassResult]>([
    [[], "clean"],
    [["done", "done"], "clean"],
    [["done", "skipped", "failed"], "failed"],
    [["partial"], "failed"],
    [["done", "stale"], "waiting"],
    [["interrupted"], "waiting"],
  ])("%j: %s", (outcomes, result) => expect(resultOfRun(outcomes.map(report), false)).toBe(result));
  test("blocked where something else is in the way", () => {
    expect(resultOfRun([report("done")], true)).toBe("blocked");
    expect(resultOfRun([report("failed")], true)).toBe("failed");
    expect(worst(["clean", "blocked", "waiting"])).toBe("waiting");
    expect(worst([])).toBe("clean");
  });
});

describe("what is started", () => {
  const all: Readiness = {
    isFree: () => true,
    maySnapshot: () => false,
    isInUse: () => false,
    isClosed: () => false,
  };
  const busy = (source: string): Partial<Readiness> => ({ isFree: (one) => one !== `nas:${source}` });
  const snapshots: Partial<Readiness> = { maySnapshot: () => true };
  const [a, b] = [createOp("ca", "tank/a", "x"), createOp("cb", "tank/b", "x")];
  const group = [a, b].map((one) => ({ ...one, together: true as const }));
  const sends = [sendOp("sa", "tank/a", { dependsOn: ["ca"] }), sendOp("sb", "tank/b", { dependsOn: ["cb"] })];
  const usb = "usb" as RepositoryKey;
  const backup = backupOp("b", "tank/y", "usb");
  const [prune, check, drill] = ["prune", "check", "verify"].map(
    (kind) => ({ ...backupOp(kind, "tank/z", "usb"), kind }) as unknown as Operation,
  ) as [Operation, Operation, Operation];
  const elsewhere = { ...backup, at: { ...backup.at, repository: "cloud" }, from: backup.at };
  const reading = [
    { ...elsewhere, id: "c", kind: "copy" },
    { ...elsewhere, id: "i", kind: "init", chunkerOf: backup.at },
    { ...elsewhere, id: "r", kind: "restore-files", at: { host: backup.at.host, directory: "/srv" } },
  ] as unknown as Operation[];

  test.each<[string, readonly Operation[], Partial<Readiness>, readonly string[]]>([
    ["everything", [a, b, ...sends], {}, ["ca", "cb", "sa", "sb"]],
    ["nothing of what is busy", [a, b, ...sends], busy("tank/a"), ["cb", "sb"]],
    ["of what is busy, snapshots", [a, b, ...sends], { ...busy("tank/a"), ...snapshots }, ["ca", "cb", "sb"]],
    ["of a group all or nothing, with what needs it", [...group, ...sends], busy("tank/a"), []],
    [
      "of a busy group, snapshots of all",
      [...group, ...sends],
      { ...busy("tank/a"), ...snapshots },
      ["ca", "cb", "sb"],
    ],
    ["nothing that needs what is left out", [a, sendOp("s", "tank/b", { dependsOn: ["ca"] })], busy("tank/a"), []],
    ["what needs something that is done long ago", [sendOp("s", "tank/b", { dependsOn: ["gone"] })], {}, ["s"]],
    ["what is only after what is left out", [a, destroyOp("d", "tank/b", { after: ["ca"] })], busy("tank/a"), ["d"]],
    ["no prune and no check where something runs", [prune, check], { isInUse: (key) => key === usb }, []],
    ["a prune", [prune], { isInUse: (key) => key !== usb }, ["prune"]],
    ["nothing that reads what is being pruned", [drill, ...reading], { isClosed: (key) => key === usb }, []],
    ["what waits there for its turn", [backup, ...reading], { isClosed: (key) => key === usb }, ["b"]],
  ])("%s", (_, operations, ready, expected) =>
    expect(choose(planOf(operations), { ...all, ...ready }).map(({ id }) => id)).toEqual(expected),
  );
});

test("what works in a repository, or reads from it, holds it until it has ended", () => {
  const backup = backupOp("b", "tank/a", "usb");
  const drill = { ...backup, kind: "verify" } as unknown as Operation;
  const copy = { ...backup, kind: "copy", from: { ...backup.at, repository: "cloud" } } as unknown as Operation;
  const prune = { ...backup, kind: "prune" } as unknown as Operation;
  const busy = new Busy();
  const held = (is: "isInUse" | "isClosed") => ["usb", "cloud"].filter((key) => busy.copy()[is](key as RepositoryKey));
  busy.begin([drill, copy]);
  expect([held("isInUse"), held("isClosed")]).toEqual([["usb", "cloud"], []]);
  busy.ended(copy);
  expect(held("isInUse")).toEqual(["usb"]);
  busy.ended(drill);
  busy.begin([prune]);
  expect([held("isInUse"), held("isClosed")]).toEqual([["usb"], ["usb"]]);
  busy.ended(prune);
  expect([held("isInUse"), held("isClosed")]).toEqual([[], []]);
});

describe("parts that have nothing to do with each other", () => {
  const parts = (...operations: readonly Operation[]): string[] =>
    split(operations, togetherWith).map((part) => part.operations.map(({ id }) => id).join(" "));

  test.each<[string, readonly Operation[], readonly string[]]>([
    ["a source each", [sendOp("1", "tank/a"), sendOp("2", "tank/b"), destroyOp("3", "tank/a")], ["1 3", "2"]],
    [
      "what one command does",
      [createOp("1", "tank/a", "x"), createOp("2", "tank/b", "x"), sendOp("3", "tank/c")],
      ["1 2", "3"],
    ],
    ["what waits for another one", [sendOp("1", "tank/a"), sendOp("2", "tank/b", { after: ["1"] })], ["1 2"]],
    [
      "what needs what is not there",
      [sendOp("1", "tank/a", { dependsOn: ["9"] }), sendOp("2", "tank/b", { dependsOn: ["9"] })],
      ["1", "2"],
    ],
  ])("%s", (_, operations, expected) => expect(parts(...operations)).toEqual(expected));
});

describe("conditions", () => {
  const calm: Facts = {
    suspended: false,
    running: [],
    pending: 0,
    blocked: [],
    unseen: [],
    blindLooks: 0,
    failures: 0,
  };
  const held = (facts: Partial<Facts>): string =>
    conditionsOf({ ...calm, ...facts }, [], "now")
      .map(({ type, status, reason }) => `${type}=${status ? "" : "!"}${reason}`)
      .join(" ");

  test.each<[string, Partial<Facts>, string]>([
    ["at rest", {}, "Ready=UpToDate Reconciling=!Idle Blocked=!Clear Stalled=!Progressing"],
    [
      "at work",
      { running: ["send"], pending: 2 },
      "Ready=!Pending Reconciling=Running Blocked=!Clear Stalled=!Progressing",
    ],
    ["to be done", { pending: 2 }, "Ready=!Pending Reconciling=Waiting Blocked=!Clear Stalled=!Progressing"],
    [
      "failed once",
      { pending: 1, failure: "no", failures: 1 },
      "Ready=!Failed Reconciling=Retrying Blocked=!Clear Stalled=!Progressing",
    ],
    [
      "failing",
      { pending: 1, failure: "no", failures: 3 },
      "Ready=!Failed Reconciling=Retrying Blocked=!Clear Stalled=Failing",
    ],
    [
      "out of sight",
      { unseen: ["away"], blindLooks: 2 },
      "Ready=!Unobserved Reconciling=!Idle Blocked=!Clear Stalled=!Progressing",
    ],
    [
      "out of sight for long",
      { unseen: ["away"], blindLooks: 3 },
      "Ready=!Unobserved Reconciling=!Idle Blocked=!Clear Stalled=Unobserved",
    ],
    [
      "suspended, and out of sight for long",
      { suspended: true, unseen: ["away"], blindLooks: 3 },
      "Ready=!Suspended Reconciling=!Idle Blocked=!Clear Stalled=!Progressing",
    ],
    [
      "blocked",
      { blocked: [{ reason: "no-common-base", message: "m" }] },
      "Ready=!Blocked Reconciling=!Idle Blocked=NoCommonBase Stalled=!Progressing",
    ],
    [
      "suspended",
      { suspended: true, failure: "no", failures: 9 },
      "Ready=!Suspended Reconciling=!Idle Blocked=!Clear Stalled=!Progressing",
    ],
  ])("%s", (_, facts, expected) => expect(held(facts)).toBe(expected));

  test("are true or false since they became so, whatever the reason", () => {
    const first = conditionsOf({ ...calm, pending: 1 }, [], "one");
    const second = conditionsOf({ ...calm, failure: "no", pending: 1, failures: 1 }, first, "two");
    expect(second.map(({ type, since }) => `${type} ${since}`)).toEqual([
      "Ready one",
      "Reconciling one",
      "Blocked one",
      "Stalled one",
    ]);
    expect(conditionsOf(calm, second, "three").map(({ since }) => since)).toEqual(["three", "three", "one", "one"]);
  });
});
