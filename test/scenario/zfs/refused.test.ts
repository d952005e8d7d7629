import { describe, expect } from "vitest";
import type { Diagnosis } from "../../../src/model/diagnosis.ts";
import type { OperationKind } from "../../../src/model/plan.ts";
import type { Report } from "../../../src/model/report.ts";
import { test } from "../harness/index.ts";

const AT_SOURCE = ["send", "hold", "bookmark", "snapshot", "destroy", "mount", "userprop"];
const AT_REMOTE = ["receive", "create", "mount", "userprop", "canmount", "readonly", "destroy", "rollback", "rename"];

/** What is done with one dataset, for which one right is lacking on one side. */
interface Case {
  readonly lacks: string;
  /** Names the dataset. */
  readonly name: string;
  /** What fails. */
  readonly kind: OperationKind;
  /** Whether the remote has `@a-1` of it; without a copy at all when undefined. */
  readonly copy?: "there" | "absent";
  /** Taken after `@a-1`. */
  readonly newer?: readonly string[];
  readonly keep?: Readonly<Record<string, number>>;
  /** Somebody wrote into the copy, and this is agreed upon. */
  readonly approve?: "rollback" | "replace";
  /** A property that could not be set, where the command succeeds all the same. */
  readonly unset?: string;
}
const newer = ["a-2", "a-3"];
const one = { a: 1 };

const CASES = {
  nas: [
    { lacks: "send", name: "full", kind: "send", copy: "absent" },
    { lacks: "hold", name: "range", kind: "send", copy: "there", newer },
    { lacks: "bookmark", name: "base", kind: "bookmark", copy: "there" },
    // it has a schedule, and is due
    { lacks: "snapshot", name: "due", kind: "create", keep: { daily: 1 } },
    { lacks: "destroy", name: "thin", kind: "destroy", keep: one, newer },
    { lacks: "mount", name: "thin-too", kind: "destroy", keep: one, newer },
    { lacks: "userprop", name: "new", kind: "adopt" },
  ],
  vault: [
    { lacks: "receive", name: "full", kind: "send", copy: "absent" },
    { lacks: "create", name: "full-too", kind: "send", copy: "absent" },
    { lacks: "mount", name: "increment", kind: "send", copy: "there", newer },
    { lacks: "userprop", name: "mark", kind: "send", copy: "absent", unset: "holdfast:adopted" },
    { lacks: "canmount", name: "canmount", kind: "send", copy: "absent", unset: "canmount" },
    { lacks: "destroy", name: "thin", kind: "destroy", copy: "there", keep: one, newer },
    { lacks: "rollback", name: "written", kind: "rollback", copy: "there", approve: "rollback" },
    { lacks: "rename", name: "aside", kind: "replace", copy: "there", approve: "replace" },
  ],
} as const satisfies Record<string, readonly Case[]>;

describe("an account that lacks one right", () => {
  test("is told which, each time, and the line that grants it", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const copies = `${datasets.backup}/copies`;
    // in two trees, so that all rights of the other side are granted at once
    const cases = (["nas", "vault"] as const).flatMap((at) =>
      CASES[at].map((each: Case) => {
        // what is there came with the sources' own names
        const source = `${datasets.tank}/${at}/${each.name}${each.copy === "there" ? "/d" : ""}`;
        const above = `${copies}/${at}/${each.name}`;
        return { ...each, at, source, above, target: `${above}/d`, remote: `${each.lacks}-${at}` };
      }),
    );
    const copied = cases.filter(({ copy }) => copy !== undefined);
    const healthy = `${datasets.tank}/vault/healthy`;

    const allow = (rights: readonly string[], dataset: string, lacks?: string) =>
      `zfs allow -u backup ${rights.filter((right) => right !== lacks).join(",")} ${dataset}`;
    // as few commands as can be: each takes a while
    await nas.sh(
      [
        "set -e",
        ...[healthy, ...cases.map(({ source }) => source)].map((dataset) => `zfs create -p ${dataset}`),
        `zfs set holdfast:adopted=on ${healthy} ${cases
          .filter(({ kind }) => kind !== "adopt")
          .map(({ source }) => source)
          .join(" ")}`,
        `zfs snapshot -r ${datasets.tank}@a-1`,
        ...newer.map(
          (name) =>
            `zfs snapshot ${cases
              .filter((one) => one.newer !== undefined)
              .map(({ source }) => `${source}@${name}`)
              .join(" ")}`,
        ),
        ...cases.filter(({ at }) => at === "nas").map(({ source, lacks }) => allow(AT_SOURCE, source, lacks)),
        allow(AT_SOURCE, `${datasets.tank}/vault`),
      ].join("\n"),
    );
    const stream = await nas.sh(`zfs send -R ${datasets.tank}@a-1 | base64`);
    await vault.sh(
      [
        "set -e",
        `base64 -d | zfs receive -u ${copies}`,
        `zfs set holdfast:adopted=on ${cases
          .filter(({ copy }) => copy === "there")
          .map(({ target }) => target)
          .join(" ")}`,
        ...cases
          .filter(({ approve }) => approve !== undefined)
          .map(({ target }) => `zfs mount ${target}; touch /${target}/oops; zfs unmount ${target}`),
        ...cases.filter(({ at }) => at === "vault").map(({ above, lacks }) => allow(AT_REMOTE, above, lacks)),
        allow(AT_REMOTE, `${copies}/nas`),
      ].join("\n"),
      { input: stream },
    );
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: {
        nas: { ...nas.hostEntry("controller"), user: "backup" },
        vault: { ...vault.hostEntry("controller"), user: "backup" },
      },
      remotes: Object.fromEntries(
        copied.map(({ remote, above }) => [remote, { type: "zfs", host: "vault", root: above }]),
      ),
      datasets: Object.fromEntries([
        [`nas:${healthy}`, { keep: { daily: 1 } }],
        ...cases.map(({ at, source, target, remote, copy, keep = { a: 3 } }) => [
          `nas:${source}`,
          { keep: at === "nas" ? keep : { a: 3 }, ...(copy && { remotes: { [remote]: { target, keep } } }) },
        ]),
      ]),
      approvals: cases.flatMap(({ source, remote, approve }) =>
        approve ? [{ source: `nas:${source}`, remote, resolve: approve, until: "2099-01-01" }] : [],
      ),
    });

    const doctor = await holdfast("doctor", "--json");
    expect(doctor.code, doctor.stderr).toBe(3);
    const missing = (JSON.parse(doctor.stdout) as Diagnosis).hosts.flatMap(({ host, checks }) =>
      checks
        .filter(({ about, result }) => about === "rights" && result === "problem")
        .map(({ message, advice }) => [`${host}: ${message}`, ...advice]),
    );
    expect(missing.sort()).toEqual(
      cases
        .map(({ at, lacks, source, above }) => {
          const dataset = at === "nas" ? source : above;
          return [
            `${at}: backup lacks ${lacks} on ${dataset}`,
            `as root there: zfs allow -u backup ${lacks} ${dataset}`,
          ];
        })
        .sort(),
    );

    const first = await holdfast("apply", "--yes", "--json");
    expect(first.code, first.stderr).toBe(3);
    const { operations } = JSON.parse(first.stdout) as Report;
    const failed = operations.filter(({ outcome }) => outcome === "failed");
    const told = failed.map(({ kind, source, error }) => [
      `${source} ${kind}`,
      error?.message,
      error?.hint?.split("\n", 1)[0],
    ]);
    expect(told.sort()).toEqual(
      cases
        .map(({ at, lacks, kind, source, copy, above, target, unset }) => {
          // a dataset is made, or gets another name, in the one above it
          const there = copy === "absent" || kind === "replace" ? above : target;
          const dataset = at === "nas" ? source : there;
          const message = unset
            ? `${unset} could not be set on ${at}:${target}: backup lacks ${lacks} there`
            : `backup lacks ${lacks} on ${at}:${dataset}`;
          return [
            `nas:${source} ${kind}`,
            expect.stringContaining(message),
            `as root on ${at}: zfs allow -u backup ${lacks} ${at === "nas" ? source : above}`,
          ];
        })
        .sort(),
    );
    // it is taken by the same command as one that may not be
    const taken = operations.filter(({ kind, outcome }) => kind === "create" && outcome === "done");
    expect(taken.map(({ source }) => source)).toEqual([`nas:${healthy}`]);
  });
});
