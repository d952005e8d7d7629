import { describe, expect, test } from "vitest";
import { type Circumstances, needsOf } from "../../src/doctor/rights.ts";
import type { Remedy, ZfsRemote } from "../../src/model/manifest.ts";
import type { Source } from "../../src/planner/sources.ts";

describe("the least that a manifest needs", () => {
  const remote = (changes: Partial<ZfsRemote> = {}) => ({
    root: "backup/{host}",
    deletions: "allow",
    properties: { readonly: "on", canmount: "noauto", "my:own": "x" },
    excludeProperties: [],
    ...changes,
  });
  const source = (dataset: string, ...remotes: ReturnType<typeof remote>[]) =>
    ({
      host: "nas",
      dataset,
      copies: remotes.map((each) => ({ remote: each, host: "vault", target: `backup/nas/${dataset}` })),
    }) as unknown as Source;

  /** For somebody who is responsible for everything. */
  const needs = (sources: readonly Source[], changes: Partial<Circumstances> = {}) =>
    needsOf(sources, {
      scope: { sources: () => true, copies: () => true },
      remedy: () => undefined,
      canAppendOnly: () => false,
      ...changes,
    });
  const own = ["destroy", "mount", "snapshot", "userprop"];
  const receiver = ["canmount", "create", "destroy", "mount", "readonly", "receive", "userprop"];

  test("each right once, at the topmost dataset that needs it", () => {
    const sources = [source("tank"), source("tank/db", remote()), source("tank/db/log", remote()), source("tanker")];
    expect(needs(sources)).toEqual([
      { host: "nas", dataset: "tank", rights: own },
      { host: "nas", dataset: "tank/db", rights: ["bookmark", "hold", "send"] },
      { host: "nas", dataset: "tanker", rights: own },
      { host: "vault", dataset: "backup/nas", rights: receiver },
    ]);
  });

  test("of who pulls: to send and to bookmark, and at the source no snapshot is taken or destroyed", () => {
    const scope = { sources: () => false, copies: () => true };
    expect(needs([source("tank", remote({ mode: "pull" }))], { scope })).toEqual([
      { host: "nas", dataset: "tank", rights: ["bookmark", "destroy", "hold", "send"] },
      { host: "vault", dataset: "backup/nas", rights: receiver },
    ]);
  });

  test.each<[ZfsRemote["whileAway"], string[]]>([
    ["freeze", own],
    ["thin", ["bookmark", ...own]],
  ])("of who is pulled from, whileAway: %s", (whileAway, rights) => {
    const scope = { sources: () => true, copies: () => false };
    expect(needs([source("tank", remote({ mode: "pull", whileAway }))], { scope })).toEqual([
      { host: "nas", dataset: "tank", rights },
    ]);
  });

  test.each<[Remedy, string]>([
    ["rollback", "rollback"],
    ["replace", "rename"],
  ])("an approved %s", (remedy, right) => {
    const [, there] = needs([source("tank", remote())], { remedy: () => remedy });
    expect(there?.rights).toEqual([...receiver, right].sort());
  });

  test("a target of its own, outside of the remote's root", () => {
    const elsewhere = source("tank", remote({ root: "backup/other" }));
    expect(needs([elsewhere])[1]?.dataset).toBe("backup/nas/tank");
  });

  test.each([
    ["receive:append", true],
    ["receive", false],
  ])("where nothing is deleted: %s", (receive, canAppendOnly) => {
    const [, there] = needs([source("tank", remote({ deletions: "never" }))], { canAppendOnly: () => canAppendOnly });
    expect(there?.rights).toEqual(["canmount", "create", "mount", "readonly", receive, "userprop"]);
  });
});
