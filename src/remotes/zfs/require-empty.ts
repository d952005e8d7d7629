import type { At } from "../../model/plan.ts";
import { poolOf } from "../../model/units.ts";
import { must, OperationFailed, type RunContext, whereOf } from "./context.ts";

/** An empty file system's metadata: up to 43 KiB were measured. A file that is small enough hides in it. */
const EMPTY_LOGICAL = 64 * 1024;

/**
 * `receive -F` destroys what is in the target: it must never have been possible to write there. The root of a new pool is
 * mounted, so it is looked into.
 */
export async function requireEmpty(at: At, context: RunContext): Promise<void> {
  const { dataset } = at;
  const names = "canmount,mounted,mountpoint,logicalreferenced";
  const argv = ["zfs", "get", "-Hp", "-o", "property,value", names, dataset];
  const { stdout } = await must(context, argv, whereOf(context, at, "mount"));
  const values = new Map(stdout.split("\n").map((line) => line.split("\t") as [string, string]));
  const isMounted = values.get("mounted") !== "no";
  const isUnusable = values.get("canmount") === "off" && !isMounted;
  const isSmall = Number(values.get("logicalreferenced") ?? Number.NaN) <= EMPTY_LOGICAL;
  if (!isSmall || !(isUnusable || poolOf(dataset) === dataset)) throw notEmpty(at, stdout.trim());
  if (!isMounted) return;
  const mountpoint = values.get("mountpoint") ?? "";
  if (!mountpoint.startsWith("/")) throw notEmpty(at, stdout.trim());
  const files = await filesIn(at, mountpoint, context);
  if (files.length > 0) throw notEmpty(at, files.slice(0, 5).join("\n"));
}

const notEmpty = ({ host, dataset }: At, output: string): OperationFailed =>
  new OperationFailed({
    message: `${host}:${dataset} is not empty, or can be mounted`,
    output,
    hint: "move the data elsewhere, or rename the dataset, then plan again",
  });

/** What is at the top of a mounted file system, but for where its children are mounted. */
async function filesIn(at: At, mountpoint: string, context: RunContext): Promise<string[]> {
  const where = whereOf(context, at, "mount");
  const list = ["zfs", "list", "-Hp", "-t", "filesystem", "-d", "1", "-o", "mountpoint", at.dataset];
  const children = new Set((await must(context, list, where)).stdout.split("\n"));
  const { stdout } = await must(context, ["find", mountpoint, "-mindepth", "1", "-maxdepth", "1"], where);
  return stdout.split("\n").filter((path) => path !== "" && !children.has(path));
}
