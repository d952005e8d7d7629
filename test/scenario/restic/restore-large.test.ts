import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { differences } from "./harness/differences.ts";
import { mayMount, onDisk } from "./harness/disk.ts";
import { applied, expectDone, testOn, type World } from "./harness/world.ts";

const MEBIBYTE = 2 ** 20;

/** A thousand files in each of a hundred folders, and a disk of 5 GiB that is nearly empty. */
const MUCH = `for folder in $(seq 100); do
  mkdir "$folder"
  seq "$folder" 100 100000 | (cd "$folder" && split -a 3 -l 1)
done
truncate -s 5G disk
for at in 0 1111 4444 5119; do
  dd if=/dev/urandom of=disk bs=1M count=1 seek=$at conv=notrunc status=none
done`;

testOn("0.19")("a hundred thousand files and a huge sparse one come back as they were", async ({ world }) => {
  const proof = () => comeBack(world);
  // most file systems take minutes for so many files where memory takes seconds
  await (mayMount ? onDisk(world.path("disk"), 3000, proof) : proof());
});

async function comeBack(world: World): Promise<void> {
  const { holdfast } = world;
  const source = world.source("disk/data");
  execFileSync("sh", ["-ec", MUCH], { cwd: source });
  const usb = world.repository("usb");
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { take: ["daily"], keep: { daily: 7 }, remotes: { usb: {} } } },
  });
  await applied(holdfast);

  const target = world.path("disk/back");
  const { code, stdout, stderr } = await holdfast("restore", source, "--to", target, "--yes");
  expect(code, stdout + stderr).toBe(0);
  expect(differences(source, target)).toEqual([]);
  const { size, blocks } = statSync(join(target, "disk"));
  expect(size).toBe(5120 * MEBIBYTE);
  // pieces that hold anything have up to 8 MiB
  expect(blocks * 512).toBeLessThan(8 * 8 * MEBIBYTE);
  await expectDone(holdfast);
}
