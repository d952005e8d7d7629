import { expect } from "vitest";
import type { Plan } from "../../../src/model/plan.ts";
import type { Holdfast, World } from "../harness/index.ts";

/** Two types that nobody takes by a schedule: each scenario takes just the snapshots it is about. */
const types = { a: {}, b: {} };

/** A NAS and an off-site box, as a controller reaches them. `remote` and `entry` are added to. */
export function manifestOf(
  { nas, vault, datasets }: World,
  { remote = {}, entry = {}, ...rest }: { remote?: object; entry?: object; [key: string]: unknown } = {},
): object {
  return {
    version: 1,
    snapshotTypes: types,
    hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") },
    remotes: { vault: { type: "zfs", host: "vault", root: datasets.backup, ...remote } },
    datasets: {
      [`nas:${datasets.tank}`]: { keep: { a: 3, b: 2 }, remotes: { vault: { keep: { a: 4, b: 2 } } }, ...entry },
    },
    ...rest,
  };
}

/** Where the copy of a scenario's dataset lies. */
export const targetOf = ({ datasets }: World): string => `${datasets.backup}/${datasets.tank}`;

export async function planOf(holdfast: Holdfast, ...args: string[]): Promise<Plan> {
  const { code, stdout, stderr } = await holdfast("plan", "--json", ...args);
  if (code !== 0 && code !== 3) throw new Error(`plan ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Plan;
}

/** What would be done, in short: `send a-1`, `destroy a-1 a-2`. */
export const shortOf = ({ operations }: Plan): string[] =>
  operations.map((operation) => {
    switch (operation.kind) {
      case "create":
        return `create ${operation.type}`;
      case "send":
        return `send ${operation.snapshots.map(({ name }) => name).join(" ")}`;
      case "resume":
        return `resume ${operation.to.name}`;
      case "destroy":
        return `destroy ${operation.remote ?? "source"} ${operation.snapshots.map(({ name }) => name).join(" ")}`;
      default:
        return operation.kind;
    }
  });

/** Applies, and everything that was planned is done. */
export async function applied(holdfast: Holdfast, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await holdfast("apply", "--yes", ...args);
  expect(code, `${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** The end of every scenario: nothing is left to do. */
export async function expectDone(holdfast: Holdfast): Promise<void> {
  const { code, stdout, stderr } = await holdfast("plan", "--json", "--detailed-exitcode");
  const plan = JSON.parse(stdout) as Plan;
  expect(shortOf(plan)).toEqual([]);
  expect(plan.blocked).toEqual([]);
  expect(plan.complete, JSON.stringify(plan.unobserved)).toBe(true);
  expect(code, stderr).toBe(0);
}
