import { expect, test } from "vitest";
import { Doors } from "../../src/cli/doors.ts";
import type { OpenedRemotes } from "../../src/hooks/remotes.ts";
import type { UsedRepository } from "../../src/manifest/repositories.ts";
import type { Problem } from "../../src/model/report.ts";
import type { RepositoryKey } from "../../src/model/units.ts";

/** Doors to repositories by name, and all that is done at them. */
function doors() {
  const log: string[] = [];
  const broken = new Set<string>();
  const open = async ({ key }: UsedRepository): Promise<OpenedRemotes> => {
    log.push(`before ${key}`);
    const problem: Problem = { message: `${key} is not plugged in` };
    return {
      unavailable: broken.has(key) ? new Map([[key, problem]]) : new Map(),
      finished: ({ id }) => log.push(`${key} hears of ${id}`),
      close: async () => void log.push(`after ${key}`),
    };
  };
  const all = new Doors(open);
  const used = (names: readonly string[]) => names.map((key) => ({ key: key as RepositoryKey }) as UsedRepository);
  /** Work that goes on until it is ended. */
  const start = (...names: string[]) => {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let work = Promise.resolve();
    const unavailable = new Promise<readonly string[]>((begun) => {
      work = all.within(used(names), async ({ unavailable, finished }) => {
        begun([...unavailable.values()].map(({ message }) => message));
        await ended;
        finished({ id: "an operation" } as Parameters<typeof finished>[0]);
      });
    });
    return {
      unavailable,
      end: () => {
        end();
        return work;
      },
    };
  };
  const told = (): string[] => log.splice(0);
  return { start, told, broken, all, used };
}

test("the first who needs a repository opens it, the last closes it; the last opened first", async () => {
  const { start, told } = doors();
  const [one, other] = [start("usb", "vault"), start("usb")];
  expect(await Promise.all([one.unavailable, other.unavailable])).toEqual([[], []]);
  expect(told()).toEqual(["before usb", "before vault"]);
  await one.end();
  expect(told()).toEqual(["usb hears of an operation", "vault hears of an operation", "after vault"]);
  await other.end();
  expect(told()).toEqual(["usb hears of an operation", "after usb"]);
  await start("usb").end();
  expect(told()).toEqual(["before usb", "usb hears of an operation", "after usb"]);
});

test("what failed is over at once, and tried again by who comes next, however long others stay", async () => {
  const { start, told, broken } = doors();
  broken.add("usb");
  const long = start("usb", "vault");
  expect(await long.unavailable).toEqual(["usb is not plugged in"]);
  expect(told()).toEqual(["before usb", "after usb", "before vault"]);
  expect(await start("usb").unavailable).toEqual(["usb is not plugged in"]);
  broken.clear();
  const next = start("usb", "vault");
  expect(await next.unavailable).toEqual([]);
  expect(told()).toEqual(["before usb", "after usb", "before usb"]);
  await next.end();
  await long.end();
  expect(told()).toEqual([
    ...["usb hears of an operation", "vault hears of an operation", "after usb"],
    ...["vault hears of an operation", "after vault"],
  ]);
});

test("work that fails leaves nothing open", async () => {
  const { all, used, told } = doors();
  const failing = all.within(used(["usb"]), () => Promise.reject(new Error("broken")));
  await expect(failing).rejects.toThrow("broken");
  expect(told()).toEqual(["before usb", "after usb"]);
});
