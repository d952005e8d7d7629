import { describe, expect } from "vitest";
import type { Holdfast, Machine } from "../harness/index.ts";
import { test } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf } from "./plans.ts";

/** Lines of `rsync` for what differs between two folders of one machine; nothing where they are alike. */
const differences = (machine: Machine, from: string, to: string): Promise<string> =>
  machine.sh(`rsync -anciAXH --delete '${from}/' '${to}/'`);

async function taken(holdfast: Holdfast, type: string): Promise<void> {
  const { code, stdout, stderr } = await holdfast("snapshot", type);
  expect(code, stdout + stderr).toBe(0);
}

/** The device of the volume that was made last; there is nobody in the machines who names them. */
const newestVolume = "/dev/$(ls -t /dev | grep '^zd' | head -1)";

const settings = ["recordsize", "compression", "quota", "atime", "readonly", "canmount", "org.example:owner"];

describe("a dataset comes back", () => {
  test("beside its original, with its children, volume, settings; and is nobody's source", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const { tank, backup } = datasets;
    await nas.sh(`set -e
      zfs create -o recordsize=16K -o compression=gzip -o quota=900M -o atime=off -o org.example:owner='a  b' \
        -o mountpoint=/srv/${tank} -o sharenfs=off ${tank}/data
      zfs create -o acltype=posixacl -o xattr=sa ${tank}/data/child
      zfs create -V 8M -s -o volblocksize=16K ${tank}/data/volume
      cd /srv/${tank}; head -c 3000000 /dev/urandom > file; ln file link; ln -s file soft; truncate -s 1G sparse
      printf x > "$(printf 'new\\nline [x] \\377')"; mkfifo pipe; mkdir -m 1777 empty
      cd child; printf y > acl; setfacl -m u:1234:r acl; setfattr -n user.colour -v blue acl
      head -c 1000000 /dev/urandom | dd of=${newestVolume} conv=fsync 2>/dev/null; sync`);
    const volume = await nas.sh(`echo ${newestVolume}`);
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") },
      remotes: { vault: { type: "zfs", host: "vault", root: backup } },
      datasets: { [`nas:${tank}`]: { recursive: true, keep: { a: 5 }, remotes: { vault: { keep: { a: 5 } } } } },
    });
    await taken(holdfast, "a");
    await applied(holdfast);
    await nas.sh(`echo later > /srv/${tank}/later`);
    await taken(holdfast, "a");
    await applied(holdfast);
    expect((await planOf(holdfast)).operations).toEqual([]);

    const source = `nas:${tank}/data`;
    const shown = await holdfast("restore", source, "--recursive", "--print");
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(/zfs send .*-b .*\| nas\$ zfs receive -s -u .*-x mountpoint/);

    const { code, stdout, stderr } = await holdfast("restore", source, "--recursive", "--with-snapshots", "--yes");
    expect(code, stdout + stderr).toBe(0);
    const restored = (await nas.sh(`zfs list -H -o name -d 1 ${tank}`))
      .split("\n")
      .find((name) => /-restored-/.test(name));
    expect(restored).toMatch(new RegExp(`^${tank}/data-restored-\\d{8}T\\d{4}Z$`));
    const at = await nas.property(`${restored}`, "mountpoint");
    expect(at).toBe(`/${restored}`);
    for (const name of ["", "/child"])
      expect(await differences(nas, `/srv/${tank}${name}`, `/${restored}${name}`)).toBe("");
    expect(await nas.sh(`stat -c %b /${restored}/sparse`)).toBe("1");
    expect(await nas.sh(`cmp ${volume} ${newestVolume} && echo same`)).toBe("same");
    for (const name of settings) {
      const [was, is] = await Promise.all([nas.property(`${tank}/data`, name), nas.property(`${restored}`, name)]);
      expect([name, is]).toEqual([name, was]);
    }
    expect(await nas.sh(`zfs list -H -t snapshot -o guid ${restored}`)).toBe(
      await nas.sh(`zfs list -H -t snapshot -o guid ${tank}/data`),
    );

    const again = await holdfast("restore", source, "--recursive", "--with-snapshots", "--yes");
    expect(again.code, again.stdout).toBe(0);
    expect(again.stdout).toContain("No changes.");
    const plan = await planOf(holdfast);
    expect([plan.operations, plan.blocked, plan.notes.filter(({ kind }) => kind !== "restore")]).toEqual([[], [], []]);
  });
});

describe("in place", () => {
  test("rolled back where it has the snapshot, replaced where only its copy has it; the address has to be typed", async ({
    world,
  }) => {
    const { nas, datasets, holdfast } = world;
    const source = `${datasets.tank}/data`;
    await nas.sh(`zfs create -o mountpoint=/srv/${datasets.tank} ${source}`);
    await world.manifest(
      manifestOf(world, {
        remote: { maxAge: "1h" },
        datasets: {
          [`nas:${source}`]: {
            keep: { a: 2 },
            remotes: { vault: { keep: { a: 5 }, target: `${datasets.backup}/data` } },
          },
        },
      }),
    );
    const states = ["one", "two", "three"];
    for (const [index, state] of states.entries()) {
      await nas.sh(`echo ${state} > /srv/${datasets.tank}/state && zfs snapshot ${source}@a-${index + 1}`);
      await applied(holdfast);
    }
    expect((await nas.snapshots(source)).map(({ name }) => name)).toEqual(["a-2", "a-3"]);
    const state = (at = `/srv/${datasets.tank}`) => nas.sh(`cat ${at}/state`);

    const before = await nas.sh(`zfs list -Hp -t all -o name,guid,written -r ${source}`);
    const refused = await holdfast("restore", `nas:${source}@a-2`, "--in-place", "--yes");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`--confirm nas:${source}`) });
    expect(await nas.sh(`zfs list -Hp -t all -o name,guid,written -r ${source}`)).toBe(before);

    await nas.sh(`echo four > /srv/${datasets.tank}/state`);
    const rolled = await holdfast("restore", `nas:${source}@a-2`, "--in-place", "--confirm", `nas:${source}`);
    expect(rolled.code, rolled.stdout + rolled.stderr).toBe(0);
    expect(rolled.stdout).toContain("destroys @a-3 there");
    expect(rolled.stdout).toMatch(/vault has a later snapshot.*--resolve vault=rollback/s);
    expect(await state()).toBe("two");
    expect((await nas.snapshots(source)).map(({ name }) => name)).toEqual(["a-2"]);
    expect((await planOf(holdfast)).blocked.map(({ reason }) => reason)).toEqual(["diverged"]);
    await applied(holdfast, "--resolve", "vault=rollback");
    await expectDone(holdfast);

    const out = `${world.folder}/restore.json`;
    await holdfast("restore", `nas:${source}`, "--snapshot", "a-1", "--in-place", "--out", out);
    const replaced = await holdfast("apply", out, "--confirm", `nas:${source}`);
    expect(replaced.code, replaced.stdout + replaced.stderr).toBe(0);
    expect(await state()).toBe("one");
    expect(await nas.property(source, "mountpoint")).toBe(`/srv/${datasets.tank}`);
    const aside = (await nas.sh(`zfs list -H -o name -r ${datasets.tank}`))
      .split("\n")
      .find((name) => /-replaced-/.test(name));
    expect(await nas.property(`${aside}`, "mounted")).toBe("no");
    expect(await nas.property(`${aside}`, "canmount")).toBe("noauto");
    expect((await nas.snapshots(`${aside}`)).map(({ name }) => name)).toEqual(["a-2"]);
    expect((await planOf(holdfast)).blocked.map(({ reason }) => reason)).toEqual(["diverged"]);
  });
});

test("a raw encrypted copy comes back with its settings, and its key opens it", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const source = `${datasets.tank}/secret`;
  const target = `${datasets.backup}/${source}`;
  await nas.sh(`set -e
    echo open-sesame | zfs create -o encryption=on -o keyformat=passphrase -o recordsize=16K -o compression=gzip \
      -o quota=500M -o org.example:note=kept ${source}
    head -c 2000000 /dev/urandom > /${source}/file; zfs create ${source}/below; echo x > /${source}/below/file
    zfs snapshot -r ${source}@a-1`);
  await world.manifest(manifestOf(world, { entry: { recursive: true } }));
  await applied(holdfast, "--target", `nas:${source}`, "--target", `nas:${source}/below`);
  expect(await vault.property(target, "keystatus")).toBe("unavailable");
  const sum = await nas.sh(`cat /${source}/file /${source}/below/file | sha256sum`);
  await nas.sh(`zfs destroy -r ${source}`);

  const back = await holdfast("restore", `nas:${source}`, "--recursive", "--in-place", "--yes");
  expect(back.code, back.stdout + back.stderr).toBe(0);
  expect(back.stdout).toMatch(/not mounted: its key is not loaded; as root on nas: zfs load-key/);
  await nas.sh(`set -e
    for each in ${source} ${source}/below; do echo open-sesame | zfs load-key $each; zfs mount $each; done`);
  expect(await nas.sh(`cat /${source}/file /${source}/below/file | sha256sum`)).toBe(sum);
  const wanted = {
    recordsize: "16384",
    compression: "gzip",
    quota: `${500 * 2 ** 20}`,
    readonly: "off",
    canmount: "on",
    "org.example:note": "kept",
  };
  for (const [name, value] of Object.entries(wanted))
    expect([name, await nas.property(source, name)]).toEqual([name, value]);
  const plan = await planOf(holdfast, "--target", `nas:${source}`, "--target", `nas:${source}/below`);
  expect(plan.blocked).toEqual([]);
});

test("cut at 10, 50 and 99 percent, it goes on from there; a whole machine comes back, in order", async ({ world }) => {
  const { nas, vault, datasets } = world;
  const MiB = 2 ** 20;
  const link = await world.link(nas);
  const hosts = { nas: nas.hostEntry("controller", link), vault: vault.hostEntry("controller") };
  await nas.sh(`set -e
    for each in big small; do zfs create ${datasets.tank}/$each; done
    head -c ${12 * MiB} /dev/urandom > /${datasets.tank}/big/file; echo x > /${datasets.tank}/small/file
    zfs snapshot -r ${datasets.tank}@a-1`);
  await world.manifest(manifestOf(world, { hosts, entry: { recursive: true } }));
  const { holdfast } = world;
  await applied(holdfast);
  const [big, small] = await Promise.all(["big", "small"].map((name) => nas.checksum(`${datasets.tank}/${name}@a-1`)));
  await nas.sh(`zfs destroy -r ${datasets.tank}`);

  const restore = ["restore", "--all", "nas", "--yes"];
  const sent = link.bytes.up;
  for (const percent of [10, 50, 99]) {
    const left = (12 * MiB * percent) / 100 - (link.bytes.up - sent);
    const cut = link.cutAfter(Math.max(left, MiB / 4));
    const running = holdfast.spawn(...restore);
    await Promise.race([cut, running.result]);
    const ended = await running.result;
    expect(ended.code, ended.stdout + ended.stderr).toBe(3);
    link.restore();
  }
  const last = await holdfast(...restore);
  expect(last.code, last.stdout + last.stderr).toBe(0);
  expect(last.stdout + last.stderr).toMatch(/resume/);
  expect(await nas.checksum(`${datasets.tank}/big@a-1`)).toBe(big);
  expect(await nas.checksum(`${datasets.tank}/small@a-1`)).toBe(small);
  expect(await nas.sh(`cat /${datasets.tank}/small/file`)).toBe("x");
  const again = await holdfast(...restore);
  expect(again.stdout).toContain("No changes.");
  await applied(holdfast);
  await expectDone(holdfast);
});

test("single files, out of the copy and out of the source's own snapshots; into a folder that is empty, or its own", async ({
  world,
}) => {
  const { nas, datasets, holdfast } = world;
  const source = `${datasets.tank}/home`;
  const odd = "new\nline [x] -*";
  await nas.sh(`set -e
    zfs create -o acltype=posixacl -o xattr=sa ${source}; cd /${source}; mkdir -p alice/deep "$(printf 'bob %b' '\\377')"
    head -c 300000 /dev/urandom > alice/deep/thesis; ln alice/deep/thesis alice/link; truncate -s 1G alice/sparse
    chown 1234:5678 alice/link; mkfifo alice/pipe; ln -s nowhere alice/soft; chmod 4755 alice/deep
    setfacl -m u:1234:r alice/link; setfattr -n user.colour -v blue alice; setfattr -n trusted.x -v y alice/link`);
  await nas.put(`/${source}/-${odd}`, "odd");
  await world.manifest(manifestOf(world, { entry: { recursive: true } }));
  await nas.snapshot(source, ["a-1"]);
  await applied(holdfast, "--target", `nas:${source}`);
  const restored = `/${datasets.tank}/restored`;
  await nas.sh(`zfs set acltype=posixacl xattr=sa ${datasets.tank} && mkdir ${restored}`);
  const back = await holdfast("restore", `nas:${source}`, "--from", "vault", "--to", `nas:${restored}/all`, "--yes");
  expect(back.code, back.stdout + back.stderr).toBe(0);
  expect(await differences(nas, `/${source}`, `${restored}/all`)).toBe("");
  expect(await nas.sh(`stat -c %b ${restored}/all/alice/sparse`)).toBe("1");

  const again = await holdfast("restore", `nas:${source}`, "--from", "vault", "--to", `nas:${restored}/all`, "--yes");
  expect(again).toMatchObject({ code: 3, stdout: expect.stringContaining("is not empty: nothing was restored") });

  await nas.sh(`cd /${source} && rm -r alice/deep && echo mine > other`);
  const paths = ["--path", "alice/deep/", "--path", `-${odd}`];
  const some = await holdfast("restore", `nas:${source}`, ...paths, "--to", `nas:${restored}/some`, "--yes");
  expect(some.code, some.stdout + some.stderr).toBe(0);
  expect(some.stdout).toContain("from source: @a-1");
  expect(await nas.sh(`cd ${restored}/some && find . -type f | wc -l`)).toBe("3");
  expect(await nas.sh(`stat -c '%a' ${restored}/some/alice/deep`)).toBe("4755");

  const missing = await holdfast(
    "restore",
    `nas:${source}`,
    "--path",
    "no/such",
    "--to",
    `nas:${restored}/none`,
    "--yes",
  );
  expect(missing).toMatchObject({ code: 3, stdout: expect.stringContaining("@a-1 has no no/such") });
  expect(await nas.sh(`ls -A ${restored}`)).toBe("all\nsome");

  const over = ["restore", `nas:${source}`, "--path", "alice/deep", "--in-place"];
  const inPlace = await holdfast(...over, "--confirm", `nas:${source}`);
  expect(inPlace.code, inPlace.stdout + inPlace.stderr).toBe(0);
  expect(
    await nas.sh(`cat /${source}/other; cmp /${source}/alice/deep/thesis /${source}/alice/link && echo same`),
  ).toBe("mine\nsame");
});

test("no manifest left: a copy on a disk comes back with what its source was set to", async ({ world }) => {
  const { nas, datasets } = world;
  const { tank, usb } = datasets;
  await nas.sh(`set -e
    zfs create -o recordsize=16K -o org.example:owner=me ${tank}/lost; zfs create ${tank}/lost/child
    head -c 100000 /dev/urandom > /${tank}/lost/file; echo x > /${tank}/lost/child/file; zfs snapshot -r ${tank}/lost@a
    zfs create -o mountpoint=none ${usb}/copies
    for each in lost lost/child; do
      zfs send -p ${tank}/$each@a | zfs receive -s -u -o readonly=on -o canmount=noauto -x mountpoint ${usb}/copies/$each
    done`);
  const holdfast = await world.as(nas);
  const asked = ["restore", "--dataset", `${usb}/copies/lost`, "--to", `${tank}/found`, "--recursive"];
  const { code, stdout, stderr } = await holdfast(...asked, "--yes");
  expect(code, stdout + stderr).toBe(0);
  for (const name of ["", "/child"])
    expect(await differences(nas, `/${tank}/lost${name}`, `/${tank}/found${name}`)).toBe("");
  for (const [name, value] of Object.entries({ recordsize: "16384", "org.example:owner": "me", readonly: "off" }))
    expect([name, await nas.property(`${tank}/found`, name)]).toEqual([name, value]);
  expect((await holdfast(...asked, "--yes")).stdout).toContain("No changes.");
  const unknown = await holdfast("restore", "--dataset", `${usb}/copies/typo`, "--to", `${tank}/other`, "--yes");
  expect(unknown).toMatchObject({ code: 3, stdout: expect.stringContaining("it is not there, or has no snapshot") });
});
