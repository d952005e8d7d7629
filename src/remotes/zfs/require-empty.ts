import type { At } from "../../model/plan.ts";
import { poolOf } from "../../model/units.ts";
import { must, OperationFailed, type RunContext, whereOf } from "./context.ts";

/** An empty file system's metadata; one byte in one file is more than that. */
const EMPTY_LOGICAL = 64 * 1024;

/**
 * `receive -F` destroys what is in the target: it must never have been possible to write there. The root of a new pool is
 * mounted, and only has to be empty.
 */
export async function requireEmpty(at: At, context: RunContext): Promise<void> {
  const { host, dataset } = at;
  const argv = ["zfs", "get", "-Hp", "-o", "property,value", "canmount,mounted,logicalreferenced", dataset];
  const { stdout } = await must(context, argv, whereOf(context, at, "mount"));
  const values = new Map(stdout.split("\n").map((line) => line.split("\t") as [string, string]));
  const isUnusable = values.get("canmount") === "off" && values.get("mounted") === "no";
  const empty =
    (isUnusable || poolOf(dataset) === dataset) &&
    Number(values.get("logicalreferenced") ?? Number.NaN) <= EMPTY_LOGICAL;
  if (empty) return;
  throw new OperationFailed({
    message: `${host}:${dataset} was empty and is not any more, or can be mounted`,
    output: stdout.trim(),
    hint: "move the data elsewhere, or rename the dataset, then plan again",
  });
}
