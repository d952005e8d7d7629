import { isDeepStrictEqual } from "node:util";
import validate from "../../src/model/generated/status.v1.js";
import { type CopyStatus, type PlaceStatus, worst } from "../../src/model/status.ts";
import type { EpochSeconds } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { assess } from "../../src/planner/status.ts";
import { asOf } from "../../src/planner/status-later.ts";
import { build, type Spec, specs } from "./histories.ts";
import { property } from "./trial.ts";
import { toInventory } from "./world.ts";

/** What any status has to be true of, whatever the world. */
function isTrueToThePlan(spec: Spec): readonly string[] {
  const { manifest, world, now, options } = build(spec, plan);
  const inventory = toInventory(world, now);
  const clock = now as EpochSeconds;
  const scope = options.allHosts === undefined ? {} : { allHosts: options.allHosts };
  const made = plan(manifest, inventory, { now: clock, ...scope });
  const status = assess(manifest, inventory, made, { now: clock, ...scope });
  const wrong: string[] = [];
  const say = (text: string): number => wrong.push(`status: ${text}`);

  if (!validate(JSON.parse(JSON.stringify(status))))
    say(`not as the schema has it: ${JSON.stringify(validate.errors)}`);
  if (!isDeepStrictEqual(asOf(status, clock), status)) say("another one at the very same time");
  const places = new Map<string, PlaceStatus | CopyStatus | undefined>(
    status.sources.flatMap(({ source, own, copies }) => [
      [source, own] as const,
      ...copies.map((copy) => [`${source} ${copy.remote}`, copy] as const),
    ]),
  );
  for (const operation of made.operations) {
    const { source, kind, id } = operation;
    const remote = "remote" in operation ? operation.remote : undefined;
    if (kind === "destroy-orphan" || kind === "hook") continue;
    const place = places.get(remote === undefined ? source : `${source} ${remote}`);
    if (!place) say(`${id} is planned where there is nothing`);
    else if (["ok", "suspended"].includes(place.health)) say(`${id} is planned where all is ${place.health}`);
  }
  for (const { source, remote, reason } of made.blocked) {
    if (reason === "orphan") continue;
    const found = status.sources.find((each) => each.source === source);
    const all = found ? [...(found.own ? [found.own] : []), ...found.copies] : [];
    if (!all.some(({ blocked }) => blocked.some((each) => each.reason === reason)))
      say(`${source} ${remote ?? ""} is blocked, ${reason}, and nobody says so`);
  }
  for (const [name, place] of places) {
    if (!place) continue;
    if (place.overdue && place.dueWithin === undefined) say(`${name} is late for nothing`);
    if (place.health === "ok" && "waiting" in place && place.waiting.snapshots > 0) say(`${name} waits and is ok`);
    const { newest, types } = place;
    const known = Math.max(...types.map((type) => type.newest ?? 0));
    const isSeen = !["away", "unknown"].includes(place.health) && types.some(({ count }) => count > 0);
    if (isSeen && newest?.creation !== known) say(`${name} has a newest of ${newest?.creation}, by its types ${known}`);
  }
  const all = status.sources.map(({ health }) => health);
  if (status.complete && status.health !== worst(all)) say(`${status.health} as a whole, ${all} each`);
  return wrong;
}

property("a status is true to the plan, and to itself", 0.05, specs(), isTrueToThePlan);
