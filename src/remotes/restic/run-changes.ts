import type { RepositoryCopy, RepositoryInventory } from "../../model/inventory.ts";
import type { CopyId, CopyOperation, ForgetOperation, OperationId } from "../../model/plan.ts";
import { done, type Result } from "../result.ts";
import { ResticFailed } from "./errors.ts";
import { open, type RepositoryContext } from "./run-context.ts";
import { identityOf } from "./tags.ts";

/** All in one repository. */
export async function forget(
  operations: readonly ForgetOperation[],
  context: RepositoryContext,
  results: Map<OperationId, Result>,
): Promise<void> {
  const [first] = operations;
  if (first === undefined) return;
  const restic = open(context, first.at);
  await restic.forget(operations.flatMap(({ copies }) => copies.map(({ id }) => id)));
  const left = new Set(copiesIn(await restic.list()).map(({ id }) => id));
  for (const { id, copies } of operations) {
    const still = copies.filter((each) => left.has(each.id));
    if (still.length === 0) results.set(id, done());
    else {
      const message = `${still.length} of ${copies.length} copies are still there: the server removes nothing`;
      const hint = "an append-only server? `deletions: never` says so in the manifest";
      results.set(id, { outcome: "failed", error: { message, hint } });
    }
  }
}

/** All from one repository to another. */
export async function copy(
  operations: readonly CopyOperation[],
  context: RepositoryContext,
  results: Map<OperationId, Result>,
): Promise<void> {
  const [first] = operations;
  if (first === undefined) return;
  const [from, to] = [open(context, first.from), open(context, first.at)];
  const idOf = (copy: CopyId) => ("id" in copy ? copy.id : context.createdBy(copy.createdBy));
  const wanted = new Set(operations.flatMap(({ copies }) => copies.flatMap((each) => idOf(each) ?? [])));
  if (wanted.size > 0) await to.copyFrom(from, [...wanted]);
  const [originals, arrived] = await Promise.all([from.list(), to.list()]);
  const byId = new Map(copiesIn(originals).map((each) => [each.id, identityOf(each)]));
  const there = new Set(copiesIn(arrived).map(identityOf));
  for (const { id, copies } of operations) {
    const unmade = copies.filter((each) => idOf(each) === undefined);
    const missing = copies.filter((each) => {
      const original = idOf(each);
      return original !== undefined && !there.has(byId.get(original) ?? "");
    });
    results.set(id, missing.length + unmade.length === 0 ? done() : notCopied(missing, unmade, copies.length));
  }
}

function notCopied(missing: readonly CopyId[], unmade: readonly CopyId[], of: number): Result {
  const names = (copies: readonly CopyId[]): string => copies.map(({ name }) => name).join(", ");
  if (missing.length > 0)
    return { outcome: "failed", error: { message: `${missing.length} of ${of} did not arrive: ${names(missing)}` } };
  if (unmade.length === of)
    return { outcome: "skipped", error: { message: `there is no backup to copy: ${names(unmade)}` } };
  return {
    outcome: "failed",
    error: { message: `${unmade.length} of ${of} could not be copied, as their backup was not made: ${names(unmade)}` },
  };
}

function copiesIn(there: RepositoryInventory): readonly RepositoryCopy[] {
  if (there.state === "unobserved")
    throw new ResticFailed("other", { message: `it cannot be listed: ${there.reason}` });
  return there.state === "observed" ? there.copies : [];
}
