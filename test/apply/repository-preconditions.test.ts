import { describe, expect, test } from "vitest";
import { unmetInRepository } from "../../src/apply/repository-preconditions.ts";
import type { RepositoryCopy, RepositoryInventory } from "../../src/model/inventory.ts";
import type { ForgetOperation, StayingCopy } from "../../src/model/plan.ts";
import type { Address, EpochSeconds, HostName, RemoteName, RepositoryKey, TypeName } from "../../src/model/units.ts";

/** `a=o!` is a copy with id a that was made of o, and is partial. */
function copyOf(word: string): RepositoryCopy {
  const [, id = "", original, partial] = /^(\w+)(?:=(\w+))?(!)?$/.exec(word) ?? [];
  return {
    id,
    ...(original !== undefined && { original }),
    tags: ["holdfast", "source=nas:/a", ...(partial ? ["partial"] : [])],
    creation: 0 as EpochSeconds,
    time: "2026-11-22T10:00:00Z",
    host: "nas",
    paths: ["/a"],
    tree: "",
  };
}

const there = (words: string): RepositoryInventory => ({
  state: "observed",
  resticVersion: "0.18.0",
  id: "the one",
  chunkerPolynomial: "",
  copies: words.split(" ").map(copyOf),
  locks: [],
});

/** Forgets `old`, because of what stays. */
function forget(...staying: readonly StayingCopy[]): ForgetOperation {
  const at = { host: "nas" as HostName, repository: "usb@nas" as RepositoryKey };
  return {
    id: "forget",
    kind: "forget",
    source: "nas:/a" as Address,
    remote: "usb" as RemoteName,
    at,
    reason: "",
    dependsOn: [],
    preconditions: [{ ...at, kind: "copies", id: "the one", copies: staying }],
    type: "daily" as TypeName,
    copies: [{ id: "old", name: "old", creation: 0 as EpochSeconds }],
  };
}

const known: StayingCopy = { name: "new", identity: "new", id: "new" };
const arriving: StayingCopy = { name: "new", identity: "first" };
const made: StayingCopy = { name: "new", createdBy: "backup" };
const gone = "usb@nas has no complete copy of new, which was to stay";

describe("what is forgotten rests on what stays", () => {
  test.each<[string, RepositoryInventory, StayingCopy, string | undefined]>([
    ["as it was planned", there("old new"), known, undefined],
    ["one that is there under the id it has elsewhere", there("old x=first"), arriving, undefined],
    ["one that was made before", there("old backed"), made, undefined],
    ["gone", there("old other"), known, gone],
    ["partial now", there("old new!"), known, gone],
    ["never arrived", there("old x=other"), arriving, gone],
    ["the very one that goes", there("old"), { name: "new", identity: "old", id: "old" }, gone],
    ["with other tags", there("old x=new"), known, "usb@nas: the tags of new, which was to stay, were changed"],
    ["what goes is not there", there("new"), known, "old is not in usb@nas any more, or its tags were changed"],
    [
      "another repository",
      { ...there("old new"), id: "another one" } as RepositoryInventory,
      known,
      "usb@nas is another repository now: another  instead of the one",
    ],
    ["no repository", { state: "absent" }, known, "the repository usb@nas is not there any more"],
    ["not seen", { state: "unobserved", reason: "away" }, known, "usb@nas could not be listed: away"],
  ])("%s", (_, inventory, staying, message) => {
    expect(unmetInRepository(forget(staying), inventory, () => "backed")).toBe(message);
  });

  test("a backup that was not made justifies nothing", () => {
    expect(unmetInRepository(forget(made), there("old backed"), () => undefined)).toBe(gone);
  });
});
