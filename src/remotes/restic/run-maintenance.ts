import type { AtRepository, CheckOperation, InitOperation, PruneOperation, UnlockOperation } from "../../model/plan.ts";
import { done, type Result } from "../result.ts";
import { record } from "./record.ts";
import { open, type RepositoryContext } from "./run-context.ts";
import { type MaintenanceMarks, maintenanceTags } from "./tags.ts";

export async function init({ at, chunkerOf, records }: InitOperation, context: RepositoryContext): Promise<Result> {
  const restic = open(context, at);
  await restic.init(chunkerOf && { chunkerParametersOf: open(context, chunkerOf) });
  if (records.length > 0) await record(restic, recordOf(at, { kinds: records }));
  return done();
}

export async function prune({ at, maxUnused, outdated }: PruneOperation, context: RepositoryContext): Promise<Result> {
  const restic = open(context, at);
  await restic.prune(maxUnused === undefined ? {} : { maxUnused });
  await record(restic, recordOf(at, { kinds: ["prune"] }), outdated);
  return done();
}

/** A repository that is not sound gets no record: it stays due, and so is said again each time. */
export async function check({ at, subset, outdated }: CheckOperation, context: RepositoryContext): Promise<Result> {
  const restic = open(context, at);
  const { ok, errors } = await restic.check(subset && { subset });
  if (!ok) {
    const hint =
      "nothing was changed; https://restic.readthedocs.io/en/stable/077_troubleshooting.html tells how to repair it";
    return {
      outcome: "failed",
      error: {
        message: `${at.repository} is damaged: ${errors[0] ?? "restic check found errors"}`,
        output: errors.join("\n"),
        hint,
      },
    };
  }
  await record(restic, recordOf(at, { kinds: ["check"], ...(subset && { subset }) }), outdated);
  return done();
}

export async function unlock({ at }: UnlockOperation, context: RepositoryContext): Promise<Result> {
  const { removed } = await open(context, at).unlock();
  if (removed > 0) return done();
  const message = `${at.repository}: nothing was removed: the locks are gone, or somebody on that machine works there now`;
  return { ...done(), warnings: [message] };
}

const recordOf = ({ host }: AtRepository, marks: MaintenanceMarks) => ({
  host,
  filename: "maintenance",
  tags: maintenanceTags(marks),
});
