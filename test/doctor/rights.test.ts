import { describe, expect, test } from "vitest";
import { hasReceiveAppend, missingRights, needsOf } from "../../src/doctor/rights.ts";
import type { ZfsRemote } from "../../src/model/manifest.ts";
import type { Source } from "../../src/planner/sources.ts";

const backup = { user: "backup", groups: ["backup", "users"] };

describe("rights that zfs allow grants", () => {
  const allowed = (...blocks: string[]): string => blocks.join("\n");
  const on = (dataset: string, ...lines: string[]): string =>
    [`---- Permissions on ${dataset} ${"-".repeat(40)}`, ...lines].join("\n");

  test.each<[string, string, string[]]>([
    ["nothing", "", ["send", "destroy"]],
    ["all", on("tank/a", "Local+Descendent permissions:", "\tuser backup destroy,send"), []],
    ["some", on("tank/a", "Local+Descendent permissions:", "\tuser backup send"), ["destroy"]],
    [
      "to somebody else",
      on("tank/a", "Local+Descendent permissions:", "\tuser backup2 destroy,send"),
      ["send", "destroy"],
    ],
    ["to a group", on("tank/a", "Local+Descendent permissions:", "\tgroup users destroy,send"), []],
    [
      "to another group",
      on("tank/a", "Local+Descendent permissions:", "\tgroup wheel destroy,send"),
      ["send", "destroy"],
    ],
    ["to everyone", on("tank/a", "Local+Descendent permissions:", "\teveryone destroy,send"), []],
    ["here only", on("tank/a", "Local permissions:", "\tuser backup destroy,send"), ["send", "destroy"]],
    ["below only", on("tank/a", "Descendent permissions:", "\tuser backup destroy,send"), ["send", "destroy"]],
    [
      "here and below apart",
      on("tank/a", "Local permissions:", "\tuser backup destroy,send", "Descendent permissions:", "\tuser backup send"),
      ["destroy"],
    ],
    ["below what is above", on("tank", "Descendent permissions:", "\tuser backup destroy,send"), []],
    ["above only", on("tank", "Local permissions:", "\tuser backup destroy,send"), ["send", "destroy"]],
    ["on creation only", on("tank/a", "Create time permissions:", "\tdestroy,send"), ["send", "destroy"]],
    [
      "by a set of sets, told on the way up",
      allowed(
        on("tank/a", "Local+Descendent permissions:", "\tuser backup @mine"),
        on("tank", "Permission sets:", "\t@mine @theirs,send", "\t@theirs @mine,destroy"),
      ),
      [],
    ],
  ])("%s", (_, output, missing) => {
    expect(missingRights(["send", "destroy"], output, "tank/a", backup)).toEqual(missing);
  });

  test("receive is more than receive:append", () => {
    const output = on("b", "Local+Descendent permissions:", "\tuser backup receive");
    expect(missingRights(["receive:append"], output, "b", backup)).toEqual([]);
    expect(missingRights(["receive"], output.replace("receive", "receive:append"), "b", backup)).toEqual(["receive"]);
  });

  test.each([
    ["2.1.11-1+deb12u1", false],
    ["2.3.1", false],
    ["2.3.2-2~bpo12+2", true],
    ["2.4.0", true],
    ["3.0.0", true],
    ["unknown", false],
  ])("%s has receive:append: %s", (version, has) => expect(hasReceiveAppend(version)).toBe(has));
});

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

  test("each right once, at the topmost dataset that needs it", () => {
    const sources = [source("tank"), source("tank/db", remote()), source("tank/db/log", remote()), source("tanker")];
    const own = ["destroy", "mount", "snapshot", "userprop"];
    expect(needsOf(sources, () => false)).toEqual([
      { host: "nas", dataset: "tank", rights: own },
      { host: "nas", dataset: "tank/db", rights: ["bookmark", "hold", "send"] },
      { host: "nas", dataset: "tanker", rights: own },
      {
        host: "vault",
        dataset: "backup/nas",
        rights: ["canmount", "create", "destroy", "mount", "readonly", "receive", "rollback", "userprop"],
      },
    ]);
  });

  test.each([
    ["receive:append", true],
    ["receive", false],
  ])("where nothing is deleted: %s", (receive, canAppendOnly) => {
    const [, there] = needsOf([source("tank", remote({ deletions: "never" }))], () => canAppendOnly);
    expect(there?.rights).toEqual(["canmount", "create", "mount", "readonly", receive, "userprop"]);
  });
});
