import { expect } from "vitest";
import { test } from "../harness/index.ts";
import { applied, expectDone, manifestOf } from "./plans.ts";

/** `make soak-zfs` asks for a hundred thousand, which an emulated machine takes half an hour for. */
const count = Number(process.env.HOLDFAST_FILES ?? 5000);

const patience = { timeout: 600_000 + 30 * count };

/** Small files in a hundred folders, and a disk of 5 GiB that is nearly empty. */
const much = `for folder in $(seq 100); do
  mkdir "$folder"
  for file in $(seq "$folder" 100 ${count}); do echo "$file" > "$folder/$file"; done
done
truncate -s 5G disk
for at in 0 1111 4444 5119; do
  dd if=/dev/urandom of=disk bs=1M count=1 seek=$at conv=notrunc 2>/dev/null
done
sync`;

test(
  "many files and a huge sparse one come back as they were, as a dataset and as files",
  patience,
  async ({ world }) => {
    const { nas, datasets, holdfast } = world;
    const source = `${datasets.tank}/data`;
    await nas.sh(`set -e; zfs create ${source}; cd /${source}; ${much}`);
    await world.manifest(manifestOf(world, { entry: { recursive: true } }));
    await nas.snapshot(source, ["a-1"]);
    await applied(holdfast, "--target", `nas:${source}`);

    const whole = await holdfast("restore", `nas:${source}`, "--to", `nas:${datasets.tank}/back`, "--yes");
    expect(whole.code, whole.stdout + whole.stderr).toBe(0);
    const files = await holdfast(
      ...["restore", `nas:${source}`, "--from", "vault", "--to", `nas:/${datasets.tank}/files`, "--yes"],
    );
    expect(files.code, files.stdout + files.stderr).toBe(0);

    for (const back of ["back", "files"]) {
      const at = `/${datasets.tank}/${back}`;
      expect(await nas.sh(`find ${at} -type f | wc -l`)).toBe(`${count + 1}`);
      expect(await nas.sh(`rsync -anciAXH --delete /${source}/ ${at}/`)).toBe("");
      // four pieces, in records of 128 KiB
      expect(Number(await nas.sh(`stat -c %b ${at}/disk`)) * 512).toBeLessThan(8 * 2 ** 20);
    }
    await applied(holdfast);
    await expectDone(holdfast);
  },
);
