import type { ServiceView } from "../../model/service.ts";

/** How late the loop may be: a machine that was asleep, or is busy, is not stuck. */
const GRACE_MS = 5 * 60_000;

/** The loop turned when it last said that it would; before it said so, since it started. */
export function isTurning({ turnedAt, nextLook }: ServiceView, now: number): boolean {
  if (nextLook === undefined) return true; // it is looking for the first time, or working
  return now <= Math.max(Date.parse(nextLook.at), Date.parse(turnedAt)) + GRACE_MS;
}
