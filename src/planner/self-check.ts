import type { Inventory } from "../model/inventory.ts";
import type { Blocked, Operation, OperationId, Plan } from "../model/plan.ts";
import type { Address, EpochSeconds } from "../model/units.ts";
import { summarize } from "./summary.ts";
import { World } from "./world.ts";

/**
 * Applies a plan to a copy of the inventory and plans again there. A step that could not work, or something left to do
 * afterwards, is a bug of the planner: that source is shown as blocked, and only its snapshots are still taken.
 */
export function check(plan: Plan, inventory: Inventory, replan: (simulated: Inventory) => Plan): Plan {
  if (plan.operations.length === 0) return plan;
  // rounded, it is a small integer like every time in the inventory: one that V8 keeps as a double would make it rewrite
  // each snapshot there is
  const now = Math.round(Date.parse(plan.now) / 1000) as EpochSeconds;
  const world = new World(inventory, now);
  const problems = new Map<Address, string>();
  for (const operation of plan.operations) {
    try {
      world.run(operation);
    } catch (error) {
      if (!problems.has(operation.source))
        problems.set(operation.source, `${operation.id}: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (problems.size === 0) {
    for (const operation of replan(world.inventory()).operations) {
      if (!problems.has(operation.source))
        problems.set(operation.source, `it would not end: ${operation.id} would come next`);
    }
  }
  return problems.size === 0 ? plan : without(plan, problems);
}

function without(plan: Plan, problems: ReadonlyMap<Address, string>): Plan {
  const dropped = new Set<OperationId>();
  const operations: Operation[] = [];
  for (const operation of plan.operations) {
    const isSuspect = operation.kind !== "create" && problems.has(operation.source);
    if (isSuspect || operation.dependsOn.some((id) => dropped.has(id))) dropped.add(operation.id);
    else operations.push(operation);
  }
  const bugs = [...problems].map(([source, message]): Blocked => {
    const at = plan.operations.find((operation) => operation.source === source)?.at;
    const [host, dataset] = [source.slice(0, source.indexOf(":")), source.slice(source.indexOf(":") + 1)];
    return {
      source,
      at: at ?? ({ host, dataset } as Blocked["at"]),
      reason: "bug",
      message: `the plan for this source failed its own check: ${message}`,
      evidence: [],
      remedies: ["nothing but its snapshots was planned; please report this with the output of `holdfast list --json`"],
    };
  });
  const blocked = [...plan.blocked, ...bugs];
  return { ...plan, operations, blocked, summary: summarize({ operations, blocked, kept: plan.kept }) };
}
