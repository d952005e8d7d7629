import { expect } from "vitest";
import type { Report } from "../../../src/model/report.ts";
import { type Holdfast, type Machine, test } from "../harness/index.ts";
import { Inside } from "./inside.ts";
import { applied, manifestOf, planOf, targetOf } from "./plans.ts";

/** By copy: how each drill ended, and what differs. */
const shortOf = ({ operations }: Report) =>
  operations.map(({ remote, outcome, verify }) => [remote, outcome, verify?.result, verify?.differences]);

async function taken(holdfast: Holdfast): Promise<void> {
  const { code, stdout, stderr } = await holdfast("snapshot", "a");
  expect(code, stdout + stderr).toBe(0);
}

async function verified(holdfast: Holdfast, ...words: string[]): Promise<Report & { readonly code: number }> {
  const { code, stdout, stderr } = await holdfast("verify", "--json", ...words);
  expect([0, 3], stderr).toContain(code);
  return { ...(JSON.parse(stdout) as Report), code };
}

/** A pool of one file, in which a byte can be turned over behind its back. */
class Rotting {
  readonly name: string;
  readonly #machine: Machine;

  private constructor(machine: Machine, name: string) {
    this.#machine = machine;
    this.name = name;
  }

  static async on(machine: Machine, name: string): Promise<Rotting> {
    await machine.sh(`truncate -s 100M /tmp/${name}.pool && zpool create ${name} /tmp/${name}.pool`);
    return new Rotting(machine, name);
  }

  /** Turns a bit over wherever these letters lie in it: nothing is compressed there. */
  async rot(letters: string): Promise<void> {
    const file = `/tmp/${this.name}.pool`;
    const turn = `const fs = require("fs"), bytes = fs.readFileSync("${file}"), pool = fs.openSync("${file}", "r+");
      let count = 0;
      for (let at = bytes.indexOf("${letters}"); at >= 0; at = bytes.indexOf("${letters}", at + 1), count++)
        fs.writeSync(pool, Buffer.from([bytes[at] ^ 1]), 0, 1, at);
      fs.fsyncSync(pool); process.exit(count === 0 ? 1 : 0)`;
    await this.#machine.sh(`zpool export ${this.name} && node -e '${turn}' && zpool import -d ${file} ${this.name}`);
  }

  async gone(): Promise<void> {
    await this.#machine.sh(`zpool destroy -f ${this.name}; rm -f /tmp/${this.name}.pool`);
  }
}

/** Makes the links below /dev/zvol that udev makes elsewhere. */
class Devices {
  readonly #machine: Machine;
  readonly #made = new Set<string>();
  /** Devices of snapshots; of each volume there is one. */
  #snapshots = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Links the one device that the command makes appear. */
  async #link(path: string, command: string): Promise<void> {
    this.#made.add(path);
    await this.#machine.sh(`set -e
      devices() { ls /dev | grep '^zd[0-9]*$'; }
      expected=$(($(zfs list -H -t volume -o name | wc -l) + ${this.#snapshots}))
      until [ "$(devices | wc -l)" = "$expected" ]; do :; done
      before=$(devices || :)
      ${command}
      until new=$(devices | grep -vxF "$before"); do :; done
      mkdir -p ${path.slice(0, path.lastIndexOf("/"))}; ln -sfn "/dev/$new" ${path}`);
  }

  async create(volume: string, options: string): Promise<void> {
    await this.#link(`/dev/zvol/${volume}`, `zfs create ${options} ${volume}`);
  }

  /** Shows the one snapshot of a volume. */
  async show(volume: string, snapshot: string): Promise<void> {
    await this.#link(`/dev/zvol/${volume}@${snapshot}`, `zfs set snapdev=visible ${volume}`);
    this.#snapshots += 1;
  }

  async hide(...volumes: readonly string[]): Promise<void> {
    await this.#machine.run("zfs", "set", "snapdev=hidden", ...volumes);
    this.#snapshots -= volumes.length;
  }

  async gone(): Promise<void> {
    await this.#machine.run("rm", "-f", ...this.#made);
  }
}

test("what rots at a copy is found and named, by ZFS's checksums and without them", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const source = `${datasets.tank}/data`;
  // all that the two machines' tar must agree on, old and new
  await nas.sh(`set -e
    zfs create -o mountpoint=/srv/${datasets.tank} -o compression=off -o acltype=posixacl -o xattr=sa ${source}
    cd /srv/${datasets.tank}; mkdir -p home/alice
    { printf 'LETTERS-OF-THIS-TEST'; head -c 400000 /dev/urandom; } > home/alice/thesis
    head -c 200000 /dev/urandom > other; ln other link; ln -s other soft; truncate -s 8M sparse; mkfifo pipe
    printf x > "$(printf 'new\\nline [x] \\377')"; printf y > acl; setfacl -m u:1234:r acl; setfattr -n user.colour -v blue acl
    chown 1234:5678 other; chmod 4711 other`);
  const pool = await Rotting.on(vault, `rot-${datasets.tank.split("-").slice(1).join("-")}`);
  try {
    await vault.sh(`zfs create ${pool.name}/sound && zfs create ${pool.name}/blind`);
    const there = { type: "zfs", host: "vault" };
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") },
      remotes: {
        sound: { ...there, root: `${pool.name}/sound` },
        // what ZFS does not check only a comparison can find
        blind: {
          ...there,
          root: `${pool.name}/blind`,
          properties: { readonly: "on", canmount: "noauto", checksum: "off" },
        },
      },
      require: { copies: 2, offsite: 1, verifiedWithin: "30d" },
      datasets: {
        [`nas:${source}`]: {
          keep: { a: 1 },
          verify: { schedule: "0 0 * * *", within: "30d" },
          remotes: { sound: { keep: { a: 1 } }, blind: { keep: { a: 1 } } },
        },
      },
    });
    await taken(holdfast);
    const first = await planOf(holdfast);
    expect(first.operations.filter(({ kind }) => kind === "verify")).toHaveLength(2);
    await applied(holdfast);
    const good = await planOf(holdfast);
    expect([good.operations, good.blocked, good.shortfalls]).toEqual([[], [], undefined]);
    expect(good.verified).toMatchObject([
      { remote: "sound", result: "passed", overdue: false },
      { remote: "blind", result: "passed" },
    ]);
    expect(good.verified?.[0]?.last?.files).toBeGreaterThan(9);
    expect(await vault.property(`${pool.name}/sound/${source}`, "holdfast:verified")).toMatch(/^passed 20\S+Z of=a-/);
    // a sample has fewer bytes, and looks at all names
    const sample = await verified(holdfast, "--on", "sound", "--sample", "250kB");
    expect(sample.operations[0]?.verify?.bytes).toBeLessThan(250_001);
    expect(sample.operations[0]?.verify?.result).toBe("passed");

    await pool.rot("LETTERS-OF-THIS-TEST");
    const bad = await verified(holdfast);
    expect(bad.code).toBe(3);
    expect(bad.operations.map(({ remote, outcome, verify }) => [remote, outcome, verify?.differences])).toEqual([
      ["sound", "failed", ["home/alice/thesis: cannot be read: Input/output error"]],
      ["blind", "failed", ["home/alice/thesis: other contents"]],
    ]);

    await taken(holdfast);
    expect((await holdfast("apply", "--yes")).code).toBe(3);
    const held = await planOf(holdfast);
    // the new snapshot has arrived; the old one, which may be all there is of something, stays everywhere
    expect(held.operations).toEqual([]);
    expect(held.blocked.map(({ remote, reason, withheld }) => [remote, reason, withheld?.snapshots.length])).toEqual(
      expect.arrayContaining([
        ["sound", "verify", undefined],
        ["blind", "verify", undefined],
        [undefined, "verify", 1],
        ["sound", "verify", 1],
        ["blind", "verify", 1],
      ]),
    );
    expect(held.blocked[0]?.evidence).toContain("differs: home/alice/thesis");
    expect(held.shortfalls?.map(({ message }) => message)).toEqual([
      "the copy on sound failed its last drill",
      "the copy on blind failed its last drill",
    ]);
  } finally {
    await pool.gone();
  }
});

test("a raw copy without its key is vouched for as far as that goes, and drilled once the key is there", async ({
  world,
}) => {
  const { nas, datasets, holdfast } = world;
  const { tank, usb } = datasets;
  await nas.sh(`set -e
    echo 'secret words' > /tmp/key-${usb.split("/")[1]}
    zfs create -o encryption=on -o keyformat=passphrase -o keylocation=file:///tmp/key-${usb.split("/")[1]} ${tank}/secret
    head -c 300000 /dev/urandom > /${tank}/secret/file
    zfs create -V 8M -s ${tank}/volume`);
  await world.manifest({
    version: 1,
    snapshotTypes: { a: {} },
    hosts: { nas: nas.hostEntry("controller") },
    defaults: { keep: { a: 2 }, verify: { within: "30d" } },
    remotes: { usb: { type: "zfs", root: usb } },
    datasets: { [`nas:${tank}`]: { recursive: true, remotes: { usb: {} } } },
  });
  await taken(holdfast);
  await applied(holdfast);
  const locked = await verified(holdfast, `nas:${tank}/secret`);
  expect(locked.operations).toMatchObject([{ outcome: "done", verify: { result: "limited", files: 0 } }]);
  expect(locked.operations[0]?.verify?.message).toMatch(
    /every block was read and its checksum holds; its key is not loaded there, .* 1 snapshot is the source's by its guid; the pool's (?:has never been scrubbed|last scan)/,
  );
  await nas.sh(`zfs load-key ${usb}/${tank}/secret`);
  const open = await verified(holdfast, `nas:${tank}/secret`);
  expect(open.operations, JSON.stringify(open.operations)).toMatchObject([
    { outcome: "done", verify: { result: "passed", files: 2, bytes: 300_000 } },
  ]);

  // nobody made devices of the volume's snapshots: it was read, and that is all that is said
  const volume = await verified(holdfast, `nas:${tank}/volume`);
  expect(volume.operations).toMatchObject([{ outcome: "done", verify: { result: "limited" } }]);
  expect(volume.operations[0]?.verify?.message).toContain("snapdev=visible");
  expect((await planOf(holdfast)).verified?.map(({ result }) => result)).toEqual(
    expect.arrayContaining(["passed", "limited"]),
  );
});

test("a copy in a repository is compared with the mounted snapshot: what rots in either is found", async ({
  world,
}) => {
  const { nas, datasets, holdfast } = world;
  const inside = await Inside.on(world);
  const pool = await Rotting.on(nas, `rot-${datasets.tank.split("-").slice(1).join("-")}`);
  try {
    const source = `${pool.name}/data`;
    await nas.sh(`set -e
      zfs create -o compression=off -o checksum=off -o acltype=posixacl -o xattr=sa ${source}; cd /${source}; mkdir home
      { printf 'LETTERS-OF-THIS-TEST'; head -c 700000 /dev/urandom; } > home/thesis
      head -c 100000 /dev/urandom > other; ln other link; ln -s other soft; truncate -s 2M sparse
      printf x > "$(printf 'new\\nline [x] \\377')"; setfacl -m u:1234:r other; setfattr -n user.colour -v blue other
      chown 1234:5678 other; chmod 4711 home/thesis`);
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: nas.hostEntry("controller") },
      remotes: { shelf: inside.entry },
      datasets: { [`nas:${source}`]: { keep: { a: 2 }, verify: { within: "30d" }, remotes: { shelf: {} } } },
    });
    await taken(holdfast);
    await applied(holdfast);
    const good = await verified(holdfast);
    expect(shortOf(good), JSON.stringify(good)).toEqual([["shelf", "done", "passed", []]]);
    expect(good.operations[0]?.verify).toMatchObject({
      files: 5,
      // the machine's /var/tmp is in memory
      message: expect.stringMatching(
        /^all of it restored, verified by restic, and compared with the source's @a-[^;]*; not extended attributes \(user\.\*\), which \/var\/tmp cannot keep$/,
      ),
    });

    // a bit of the largest pack, which has the contents
    const turn = `pack=$(find ${inside.folder}/repository/data -type f -printf '%s %p\\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
      chmod u+w "$pack" && node -e 'const fs = require("fs"), bytes = fs.readFileSync(process.argv[1]);
        bytes[100000] ^= 1; fs.writeFileSync(process.argv[1], bytes)' "$pack"`;
    await nas.sh(turn);
    const damaged = await verified(holdfast);
    expect([damaged.code, damaged.operations[0]?.verify?.result]).toEqual([3, "failed"]);
    // of a file with two names, both
    expect(damaged.operations[0]?.verify?.differences.join("\n")).toMatch(
      /^(?:home\/thesis: cannot be restored: .*|link: cannot be restored: .*\nother: cannot be restored: .*)$/,
    );
    expect((await planOf(holdfast)).verified).toMatchObject([{ remote: "shelf", result: "failed" }]);
    await nas.sh(turn);
    expect(shortOf(await verified(holdfast))).toEqual([["shelf", "done", "passed", []]]);

    // what restic has is what it was given, and so it finds nothing: only the comparison does
    await pool.rot("LETTERS-OF-THIS-TEST");
    expect(shortOf(await verified(holdfast))).toEqual([["shelf", "failed", "failed", ["home/thesis: other contents"]]]);
    expect(await nas.sh("grep -e /run/holdfast -e @ /proc/mounts; find /var/tmp -name 'holdfast-drill-*'")).toBe("");
  } finally {
    await pool.gone();
    await inside.remove();
  }
});

test("a volume's blocks are compared once both sides show its snapshots as devices", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const source = `${datasets.tank}/disk`;
  const pool = await Rotting.on(vault, `rot-${datasets.tank.split("-").slice(1).join("-")}`);
  const copies = ["sound", "blind"].map((remote) => `${pool.name}/${remote}/${source}`);
  const [here, there] = [new Devices(nas), new Devices(vault)];
  try {
    await vault.sh(`zfs create ${pool.name}/sound && zfs create ${pool.name}/blind`);
    await here.create(source, "-s -V 40M -o compression=off");
    await nas.sh(`{ head -c 100000 /dev/urandom; printf 'LETTERS-OF-THIS-TEST'; } |
      dd of=/dev/zvol/${source} bs=1M seek=20 conv=fsync`);
    const remote = { type: "zfs", host: "vault" };
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") },
      remotes: {
        sound: { ...remote, root: `${pool.name}/sound` },
        blind: { ...remote, root: `${pool.name}/blind`, properties: { readonly: "on", checksum: "off" } },
      },
      datasets: {
        [`nas:${source}`]: { keep: { a: 2 }, verify: { within: "30d" }, remotes: { sound: {}, blind: {} } },
      },
    });
    await taken(holdfast);
    await applied(holdfast);
    const [{ name } = { name: "" }] = await nas.snapshots(source);
    await here.show(source, name);
    for (const copy of copies) await there.show(copy, name);
    const good = await verified(holdfast);
    expect(good.operations.map(({ remote, verify }) => [remote, verify])).toEqual(
      ["sound", "blind"].map((remote) => [
        remote,
        {
          ...{ result: "passed", files: 0, bytes: 40 * 2 ** 20, differences: [] },
          message: `all of its blocks compared with the source's @${name}`,
        },
      ]),
    );
    const [sample] = (await verified(holdfast, "--on", "blind", "--sample", "10MiB")).operations;
    expect(sample?.verify).toMatchObject({
      result: "passed",
      message: expect.stringContaining("a sample of its blocks"),
    });
    expect([8, 16].map((mebibytes) => mebibytes * 2 ** 20)).toContain(sample?.verify?.bytes);

    await there.hide(...copies);
    await pool.rot("LETTERS-OF-THIS-TEST");
    for (const copy of copies) await there.show(copy, name);
    const bad = await verified(holdfast);
    expect(bad.code).toBe(3);
    expect(shortOf(bad)).toEqual([
      [
        "sound",
        "failed",
        "failed",
        expect.arrayContaining([expect.stringMatching(/cannot be read: Input\/output error$/)]),
      ],
      ["blind", "failed", "failed", [`/dev/zvol/${copies[1]}@${name}: other contents from 16 MiB on`]],
    ]);
  } finally {
    await Promise.all([here.gone(), there.gone()]);
    await pool.gone();
  }
});

test("where an account may set no property at the remote the source remembers how its drills went", async ({
  world,
}) => {
  const { nas, vault, datasets, holdfast } = world;
  const copy = targetOf(world);
  const entry = {
    keep: { a: 1 },
    verify: { schedule: "0 0 * * *", within: "30d" },
    remotes: { vault: { keep: { a: 1 } } },
  };
  await nas.sh(`cd /${datasets.tank}; echo x > file; mkdir sub; head -c 100000 /dev/urandom > sub/file`);
  await world.manifest(manifestOf(world, { entry: { ...entry, verify: {} } }));
  await taken(holdfast);
  await applied(holdfast);
  await vault.run("zfs", "mount", copy);
  const hosts = { nas: nas.hostEntry("controller"), vault: { ...vault.hostEntry("controller"), user: "backup" } };
  await world.manifest(manifestOf(world, { hosts, entry }));
  expect((await planOf(holdfast)).operations.map(({ kind }) => kind)).toEqual(["verify"]);

  const { operations } = await verified(holdfast);
  expect(operations, JSON.stringify(operations)).toMatchObject([
    {
      outcome: "done",
      verify: { result: "passed", files: 4, bytes: 100_002 },
      warnings: [expect.stringMatching(/^the result is remembered at the source: .*zfs allow -u backup userprop /)],
    },
  ]);
  expect(await vault.property(copy, "holdfast:verified")).toBe("-");
  expect(await nas.property(datasets.tank, "holdfast:verified-copies")).toMatch(/^vault passed 20\S+Z of=a-/);
  const plan = await planOf(holdfast);
  expect(plan.operations).toEqual([]);
  expect(plan.verified).toMatchObject([{ remote: "vault", result: "passed", overdue: false }]);

  // of what it may not read it claims nothing, and what was remembered stays
  const before = await nas.property(datasets.tank, "holdfast:verified-copies");
  await nas.sh(`chmod 600 /${datasets.tank}/file`);
  await world.manifest(manifestOf(world, { entry: { ...entry, verify: {} } }));
  await taken(holdfast);
  await applied(holdfast);
  await world.manifest(manifestOf(world, { hosts, entry }));
  const denied = await verified(holdfast);
  expect(denied.code).toBe(3);
  expect(denied.operations).toMatchObject([
    {
      outcome: "failed",
      error: { message: expect.stringMatching(/cannot be read on vault: file: .*Permission denied/) },
    },
  ]);
  expect(denied.operations[0]?.verify).toBeUndefined();
  expect(await nas.property(datasets.tank, "holdfast:verified-copies")).toBe(before);
});
