import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { placesOf, watchPath } from "../../src/service/watch-files.ts";

let folder = "";
let close = async (): Promise<void> => {};
let changes = 0;
let heard = (): void => {};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-watch-"));
  changes = 0;
});
afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

async function watching(path: string): Promise<void> {
  close = await watchPath(
    path,
    () => {
      changes += 1;
      heard();
    },
    (error) => {
      throw error;
    },
  );
  await next(); // the one that it begins with
}

/** The next change. */
const next = (): Promise<void> =>
  new Promise((resolve) => {
    heard = resolve;
  });

/** Does something and waits until it is heard of. */
async function after(change: () => void): Promise<void> {
  const told = next();
  change();
  await told;
}

const at = (...names: string[]): string => join(folder, ...names);

test("an editor that writes in place, and one that writes beside and renames", async () => {
  writeFileSync(at("m.yaml"), "a");
  await watching(at("m.yaml"));
  await after(() => appendFileSync(at("m.yaml"), "b"));
  await after(() => {
    writeFileSync(at(".m.yaml.swp"), "c");
    renameSync(at(".m.yaml.swp"), at("m.yaml"));
  });
  await after(() => {
    // as vim does it: the old one aside, a new one in its place
    renameSync(at("m.yaml"), at("m.yaml~"));
    writeFileSync(at("m.yaml"), "d");
    unlinkSync(at("m.yaml~"));
  });
  await after(() => appendFileSync(at("m.yaml"), "e"));
});

test("one that is removed and put back, with its folder", async () => {
  mkdirSync(at("etc", "holdfast"), { recursive: true });
  writeFileSync(at("etc", "holdfast", "m.yaml"), "a");
  await watching(at("etc", "holdfast", "m.yaml"));
  await after(() => unlinkSync(at("etc", "holdfast", "m.yaml")));
  await after(() => writeFileSync(at("etc", "holdfast", "m.yaml"), "b"));
  await after(() => rmSync(at("etc"), { recursive: true }));
  await after(() => {
    mkdirSync(at("etc", "holdfast"), { recursive: true });
    writeFileSync(at("etc", "holdfast", "m.yaml"), "c");
  });
  await after(() => appendFileSync(at("etc", "holdfast", "m.yaml"), "d"));
});

test("one that is not there yet, nor its folder", async () => {
  await watching(at("not", "yet", "m.yaml"));
  await after(() => mkdirSync(at("not")));
  await after(() => mkdirSync(at("not", "yet")));
  await after(() => writeFileSync(at("not", "yet", "m.yaml"), "a"));
  await after(() => appendFileSync(at("not", "yet", "m.yaml"), "b"));
});

test("a mounted ConfigMap: a link to a link, which is swapped", async () => {
  const release = (name: string, text: string): void => {
    mkdirSync(at("mount", name), { recursive: true });
    writeFileSync(at("mount", name, "m.yaml"), text);
  };
  release("..1", "a");
  symlinkSync("..1", at("mount", "..data"));
  symlinkSync("..data/m.yaml", at("mount", "m.yaml"));
  await watching(at("mount", "m.yaml"));
  for (const [name, before] of [
    ["..2", "..1"],
    ["..3", "..2"],
  ] as const) {
    await after(() => {
      release(name, name);
      symlinkSync(name, at("mount", "..data_tmp"));
      renameSync(at("mount", "..data_tmp"), at("mount", "..data"));
      rmSync(at("mount", before), { recursive: true });
    });
  }
});

test("a folder that is reached by a link", async () => {
  for (const name of ["one", "two"]) {
    mkdirSync(at(name));
    writeFileSync(at(name, "m.yaml"), name);
  }
  symlinkSync("one", at("current"));
  await watching(at("current"));
  await after(() => {
    symlinkSync("two", at("next"));
    renameSync(at("next"), at("current"));
  });
  await after(() => appendFileSync(at("two", "m.yaml"), "more"));
  await after(() => writeFileSync(at("two", "n.yaml"), "new"));
});

test("a checkout that touches many files is one change", async () => {
  for (let n = 0; n < 50; n += 1) writeFileSync(at(`${n}.yaml`), "a");
  await watching(folder);
  const before = changes;
  await after(() => {
    for (let n = 0; n < 50; n += 1) writeFileSync(at(`${n}.yaml`), "b");
  });
  expect(changes).toBe(before + 1);
});

test("the places that matter: the folders of links, and the last one that is there", () => {
  mkdirSync(at("a", "b"), { recursive: true });
  symlinkSync("a", at("link"));
  writeFileSync(at("a", "b", "m.yaml"), "");
  expect(placesOf(at("a", "b", "m.yaml"))).toEqual([at("a", "b")]);
  expect(placesOf(at("a", "b"))).toEqual([at("a", "b")]);
  expect(placesOf(at("link", "b", "m.yaml"))).toEqual([folder, at("a", "b")]);
  expect(placesOf(at("a", "gone", "m.yaml"))).toEqual([at("a")]);
  symlinkSync("loop", at("loop"));
  expect(placesOf(at("loop"))).toContain(folder);
});
