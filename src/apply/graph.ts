import type { Operation, OperationId } from "../model/plan.ts";
import type { OperationReport, Problem } from "../model/report.ts";

/** How one operation ended. */
export type Settled = Pick<OperationReport, "outcome" | "bytes" | "backup" | "verify" | "error" | "warnings">;

export interface Work {
  /**
   * Runs operations together: one, or those that one command does. Resolves with how each of them ended; a rejection
   * ends the whole run.
   */
  readonly run: (operations: readonly Operation[]) => Promise<ReadonlyMap<OperationId, Settled>>;
  /** Called exactly once for each operation, in the order in which they end. */
  readonly onSettled: (operation: Operation, settled: Settled) => void;
}

const ENDED: Readonly<Record<Settled["outcome"], string>> = {
  done: "is done",
  failed: "failed",
  partial: "is partial",
  stale: "was stale",
  skipped: "was skipped",
  interrupted: "was interrupted",
};

interface Group {
  members: Node[];
  /** Members that neither can start nor were given up. */
  waiting: number;
}
interface Node {
  readonly operation: Operation;
  group: Group;
  readonly dependents: Node[];
  /** Those that only wait for its end, however it ends. */
  readonly followers: Node[];
  /** Dependencies that are not done, and others that have not ended. */
  pending: number;
  settled: boolean;
}

/**
 * Runs every operation after those it depends on; what depends on one that did not succeed is skipped, the rest goes
 * on. Linear in operations and dependencies.
 */
export function runGraph(operations: readonly Operation[], work: Work): Promise<void> {
  const nodes = connect(operations);
  const ready: Group[] = [];
  let started = 0;
  let running = 0;

  const leave = (group: Group): void => {
    group.waiting -= 1;
    if (group.waiting === 0) ready.push(group);
  };
  const release = (node: Node): void => {
    node.pending -= 1;
    if (node.pending === 0) leave(node.group);
  };
  const settle = (node: Node, how: Settled): void => {
    const ended: [Node, Settled][] = [[node, how]];
    for (let next = ended.pop(); next !== undefined; next = ended.pop()) {
      const [one, settled] = next;
      if (one.settled) continue;
      one.settled = true;
      work.onSettled(one.operation, settled);
      if (one.pending > 0) leave(one.group);
      for (const dependent of one.dependents) {
        if (dependent.settled) continue;
        if (settled.outcome === "done") release(dependent);
        else ended.push([dependent, skipped(`it needs ${one.operation.id}, which ${ENDED[settled.outcome]}`)]);
      }
      for (const follower of one.followers) if (!follower.settled) release(follower);
    }
  };

  return new Promise((resolve, reject) => {
    const proceed = (): void => {
      for (let group = ready[started]; group !== undefined; group = ready[started]) {
        started += 1;
        const members = group.members.filter(({ settled }) => !settled);
        if (members.length > 0) start(members);
      }
      if (running > 0) return;
      if (splitGroup(nodes.values(), ready)) {
        proceed();
        return;
      }
      for (const node of nodes.values())
        settle(node, skipped("the plan's operations wait for each other: a bug in Holdfast"));
      resolve();
    };
    const start = (members: readonly Node[]): void => {
      running += 1;
      work
        .run(members.map(({ operation }) => operation))
        .then((results) => {
          running -= 1;
          for (const member of members) settle(member, results.get(member.operation.id) ?? NO_RESULT);
          proceed();
        })
        .catch(reject);
    };

    for (const node of nodes.values()) {
      const missing = node.operation.dependsOn.find((id) => !nodes.has(id));
      if (missing !== undefined) settle(node, skipped(`it needs ${missing}, which is not in the plan`));
      else if (node.pending === 0) leave(node.group);
    }
    proceed();
  });
}

/** Members of two groups can wait for each other's groups; then those that can start go first, without their group. */
function splitGroup(nodes: Iterable<Node>, ready: Group[]): boolean {
  for (const { group, pending, settled } of nodes) {
    if (settled || pending > 0) continue;
    const able = group.members.filter((member) => !member.settled && member.pending === 0);
    const rest = new Set(able);
    group.members = group.members.filter((member) => !rest.has(member));
    const apart: Group = { members: able, waiting: 0 };
    for (const member of able) member.group = apart;
    ready.push(apart);
    return true;
  }
  return false;
}

function connect(operations: readonly Operation[]): Map<OperationId, Node> {
  const nodes = new Map<OperationId, Node>();
  const groups = new Map<string, Group>();
  for (const operation of operations) {
    if (nodes.has(operation.id)) throw new Error(`two operations have the id ${operation.id}`);
    const key = togetherWith(operation);
    const group = groups.get(key) ?? { members: [], waiting: 0 };
    groups.set(key, group);
    const node: Node = { operation, group, dependents: [], followers: [], pending: 0, settled: false };
    group.members.push(node);
    group.waiting += 1;
    nodes.set(operation.id, node);
  }
  for (const node of nodes.values()) {
    const needed = new Set(node.operation.dependsOn);
    for (const id of needed) nodes.get(id)?.dependents.push(node);
    // what is not in the plan has ended long ago
    const before = new Set(node.operation.after?.filter((id) => !needed.has(id)));
    const followed = [...before].flatMap((id) => nodes.get(id) ?? []);
    for (const other of followed) other.followers.push(node);
    node.pending = needed.size + followed.length;
  }
  return nodes;
}

/** What one command does: creates of one instant, or all that is copied to, or forgotten in, one repository. */
export function togetherWith(operation: Operation): string {
  switch (operation.kind) {
    case "create":
      return `atomic ${operation.atomic}`;
    case "copy":
      return `copy ${operation.from.repository} ${operation.at.host} ${operation.at.repository}`;
    case "forget":
      return `forget ${operation.at.host} ${operation.at.repository}`;
    default:
      return `id ${operation.id}`;
  }
}

const skipped = (message: string): Settled => ({ outcome: "skipped", error: { message } satisfies Problem });
const NO_RESULT: Settled = { outcome: "failed", error: { message: "it ended without a result: a bug in Holdfast" } };
