import { describe, expect, test } from "vitest";
import { hasReceiveAppend, missingRights } from "../../src/inventory/rights.ts";

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
    expect(missingRights(["send", "destroy"], output, "tank/a", backup, "tree")).toEqual(missing);
  });

  test.each<[string, string[], string]>([
    ["here only", [], on("tank/a", "Local permissions:", "\tuser backup send")],
    ["below only", ["send"], on("tank/a", "Descendent permissions:", "\tuser backup send")],
    ["below what is above", [], on("tank", "Descendent permissions:", "\tuser backup send")],
  ])("for one dataset alone, %s", (_, missing, output) => {
    expect(missingRights(["send"], output, "tank/a", backup, "dataset")).toEqual(missing);
  });

  test("receive is more than receive:append", () => {
    const output = on("b", "Local+Descendent permissions:", "\tuser backup receive");
    expect(missingRights(["receive:append"], output, "b", backup, "tree")).toEqual([]);
    expect(missingRights(["receive"], output.replace("receive", "receive:append"), "b", backup, "tree")).toEqual([
      "receive",
    ]);
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
