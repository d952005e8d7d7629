import type { EpochSeconds } from "../../src/model/units.ts";
import { plan, sourcesOf } from "../../src/planner/index.ts";
import { judgeGuards } from "./guards.ts";
import { build, type Spec } from "./histories.ts";
import { Quotas } from "./quotas.ts";
import { resolve } from "./resolve.ts";
import { Trial } from "./trial.ts";
import { allDatasets, cloneWorld, find, isObserved, toInventory } from "./world.ts";
import * as zfs from "./zfs.ts";

/** What a judge found wrong with one world; nothing is good. */
export type Judge = (spec: Spec) => readonly string[];

const freeze = <T>(value: T): T => {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    for (const inner of value instanceof Map ? value.values() : Object.values(value)) freeze(inner);
  }
  return value;
};

/** Numbers that the spec itself determines. */
function numbers(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

export const isDeterministic: Judge = (spec) => {
  const { manifest, world, now, options } = build(spec, plan);
  const all = { ...options, now: now as EpochSeconds };
  const first = JSON.stringify(plan(freeze(manifest), freeze(toInventory(world, now)), all));
  const again = JSON.stringify(plan(manifest, toInventory(world, now), all));
  return first === again ? [] : ["two plans for one input differ"];
};

/** The planner's sources and copies are those of a second reading of manifest.md. */
export const resolvesAlike: Judge = (spec) => {
  const { manifest, world, now } = build(spec, plan);
  const found = sourcesOf(manifest, toInventory(world, now), { allHosts: true }).sources.map((s) => ({
    source: s.address as string,
    suspended: s.keys.suspend,
    copies: s.copies.map((c) => `${c.remote.name} ${c.host}:${c.target} ${JSON.stringify(c.keep)}`).sort(),
  }));
  const expected = resolve(manifest, world)
    .filter((s) => isObserved(world, s.host, s.dataset))
    .map((s) => ({
      source: `${s.host}:${s.dataset}`,
      suspended: s.keys.suspend,
      copies: s.copies.map((c) => `${c.remote.name} ${c.host}:${c.target} ${JSON.stringify(c.keep)}`).sort(),
    }));
  const text = (list: typeof found | typeof expected): string[] => list.map((s) => JSON.stringify(s)).sort();
  const [a, b] = [text(found), text(expected)];
  return a.join() === b.join() ? [] : ["the planner's sources", ...a, "and those expected", ...b];
};

export const convergesAtOnce: Judge = (spec) => {
  const trial = new Trial(spec);
  trial.pass();
  trial.expectEmpty("after apply");
  return trial.wrong;
};

export const convergesAsTimePasses: Judge = (spec) => {
  const trial = new Trial(spec);
  trial.pass();
  for (const later of [3600, 86_400, 8 * 86_400]) {
    trial.now += later;
    for (const { host, name, dataset } of allDatasets(trial.world))
      if (host === "a" && name.startsWith("tank/") && !dataset.partial) dataset.written += 1;
    trial.pass();
    trial.expectEmpty(`${later} s later`);
  }
  return trial.wrong;
};

export const survivesFailures: Judge = (spec) => {
  const trial = new Trial(spec);
  const next = numbers(spec.chance);
  trial.pass({ fails: () => (next() % 3 > 0 ? "no" : next() % 2 === 0 ? "before" : { after: next() % 3 }) });
  trial.pass();
  trial.expectEmpty("after the next pass");
  return trial.wrong;
};

export const worksInAnyOrder: Judge = (spec) => {
  const trial = new Trial(spec);
  const next = numbers(spec.chance);
  trial.pass({ pick: (ready) => next() % ready });
  trial.expectEmpty("after apply");
  return trial.wrong;
};

export const survivesKill: Judge = (spec) => {
  const trial = new Trial(spec);
  const next = numbers(spec.chance);
  const killedAt = next() % (trial.plan().operations.length + 1);
  const cut = next() % 4;
  trial.pass({ pick: (ready) => next() % ready, killedAt, ...(cut === 3 ? {} : { cut }) });
  trial.pass();
  trial.expectEmpty("after the next pass");
  return trial.wrong;
};

export const fillsQuotas: Judge = (spec) => {
  const trial = new Trial(spec);
  const before = cloneWorld(trial.world);
  const first = trial.pass();
  const last = trial.expectEmpty("after apply");
  if (spec.target === undefined) trial.note(new Quotas(trial.scenario, before, trial.world, first, last).judge());
  return trial.wrong;
};

/** Another tool, or a person, at work on a source or a copy. */
function meddle(trial: Trial, next: () => number): void {
  const { manifest } = trial.scenario;
  const places = resolve(manifest, trial.world).flatMap((s) => [
    { host: s.host, name: s.dataset },
    ...s.copies.map((c) => ({ host: c.host, name: c.target })),
  ]);
  const place = places[next() % Math.max(1, places.length)];
  const dataset = place && find(trial.world, place.host, place.name);
  if (!dataset) return;
  const { host, name } = place;
  const any = dataset.snapshots[next() % Math.max(1, dataset.snapshots.length)];
  const latest = dataset.snapshots.at(-1);
  const { world } = trial;
  const deeds: (() => void)[] = [
    () => zfs.snapshot(world, host, [{ dataset: name, name: `theirs-${next()}` }], trial.now),
    () => zfs.write(world, host, name, 3e6),
    () => any && zfs.destroySnapshots(world, host, name, [any.name]),
    () => latest && zfs.destroySnapshots(world, host, name, [latest.name]),
    () => any && zfs.hold(world, host, name, any.name, "theirs"),
    () => any && zfs.cloneOf(world, host, name, any.name, `${name.split("/")[0]}/clone-${next()}`),
    () => any && zfs.renameSnapshot(world, host, name, any.name, `${any.name}-theirs`),
    () => {
      if (!any) return;
      zfs.destroySnapshots(world, host, name, [any.name]);
      zfs.snapshot(world, host, [{ dataset: name, name: any.name }], trial.now);
    },
    () => zfs.abort(world, host, name),
    () => any && zfs.rollbackThrough(world, host, name, any.name),
    () => any && zfs.bookmark(world, host, name, { snapshot: any.name }, `theirs-${next()}`),
    () => {
      const tag = any?.holds[0];
      if (any && tag) zfs.release(world, host, name, any.name, tag);
    },
    () => {
      const mark = dataset.bookmarks[next() % Math.max(1, dataset.bookmarks.length)];
      if (mark) zfs.destroyBookmark(world, host, name, mark.name);
    },
    () => zfs.renameDataset(world, host, name, `${name}-theirs`),
    () => {
      zfs.destroyTree(world, host, name);
      zfs.create(world, host, name, { written: 3e6 });
    },
  ];
  try {
    deeds[next() % deeds.length]?.();
  } catch (error) {
    if (!(error instanceof zfs.ZfsError)) throw error;
  }
}

export const isStaleRatherThanHarmful: Judge = (spec) => {
  const trial = new Trial(spec);
  const next = numbers(spec.chance);
  trial.pass({
    meanwhile: () => {
      if (next() % 2 === 0) meddle(trial, next);
    },
  });
  trial.pass();
  trial.expectEmpty("after the next pass");
  return trial.wrong;
};

export const respectsGuards: Judge = (spec) => {
  const trial = new Trial(spec);
  const before = cloneWorld(trial.world);
  const plan = trial.pass();
  trial.note(judgeGuards(trial.scenario, before, plan));
  return trial.wrong;
};
