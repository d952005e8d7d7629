import { expect } from "vitest";
import type { Report } from "../../../src/model/report.ts";
import { type Holdfast, type Machine, test } from "../harness/index.ts";
import { applied, planOf } from "./plans.ts";

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
