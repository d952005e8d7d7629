import { setTimeout as pause } from "node:timers/promises";
import { execa } from "execa";
import { describe, expect } from "vitest";
import { type Link, sshWindow, test, type World } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf, targetOf } from "./plans.ts";

const MiB = 2 ** 20;

/** How often each thing breaks; `make soak-zfs` asks for hundreds. */
const times = Number(process.env.HOLDFAST_FAULTS ?? 3);
const patience = { timeout: 300_000 + times * 60_000 };

const upTo = (limit: number): number => Math.floor(Math.random() * limit);

/** From the old OpenZFS to the new one, each behind a link of its own. */
interface Backwards {
  readonly source: string;
  readonly copy: string;
  readonly links: readonly [Link, Link];
  manifest(entry: object, more?: object): Promise<void>;
}

async function backwards(world: World): Promise<Backwards> {
  const { nas, vault, datasets } = world;
  const [near, far] = [await world.link(vault), await world.link(nas)];
  return {
    source: datasets.backup,
    copy: `${datasets.tank}/${datasets.backup}`,
    links: [near, far],
    manifest: (entry, more = {}) =>
      world.manifest({
        ...more,
        version: 1,
        snapshotTypes: { a: {}, minutely: { schedule: "* * * * *" } },
        hosts: { nas: nas.hostEntry("controller", far), vault: vault.hostEntry("controller", near) },
        remotes: { nas: { type: "zfs", host: "nas", root: datasets.tank } },
        datasets: { [`vault:${datasets.backup}`]: { recursive: true, ...entry } },
        guards: { destroyAtMost: { percent: 100, above: 1000, total: 1000 } },
        service: { listen: "off" },
      }),
  };
}

describe("whatever breaks, whenever", () => {
  test.for([["apply", "--yes"], ["watch"]])(
    "kill -9 at any instant of %j: what counts is never gone, and the next one goes on",
    patience,
    async (command, { world }) => {
      const { nas, vault, holdfast } = world;
      const { source, copy, links, manifest } = await backwards(world);
      const below = ["", "/child"];
      const keep = { keep: { a: 2, minutely: 2 }, remotes: { nas: { keep: { a: 3, minutely: 1 } } } };
      await manifest(keep);
      await vault.sh(
        `zfs create ${source}/child && zfs snapshot -r ${source}@a-0 && zfs snapshot -r ${source}@by-hand`,
      );
      await applied(holdfast);
      await nas.run("zfs", "snapshot", "-r", `${copy}@theirs`);
      const taken = ["a-0"];
      const takeNext = async () => {
        const name = `a-${taken.length}`;
        for (const child of below) await vault.writeData(`${source}${child}`, 0.3);
        await vault.run("zfs", "snapshot", "-r", `${source}@${name}`);
        taken.push(name);
      };
      const expectNothingLost = async (when: string) => {
        for (const child of below) {
          const [here, bookmarks, there] = [
            await vault.snapshots(`${source}${child}`),
            await vault.bookmarks(`${source}${child}`),
            await nas.snapshots(`${copy}${child}`),
          ];
          const names = new Set(here.map(({ name }) => name));
          const anywhere = new Set([...names, ...there.map(({ name }) => name)]);
          expect(names, when).toEqual(new Set([...names, ...taken.slice(-2), "by-hand"]));
          expect(anywhere, when).toEqual(new Set([...anywhere, ...taken.slice(-3), "theirs"]));
          const bases = new Set([...here.map(({ guid }) => guid), ...bookmarks.map((name) => name.split("-").at(-1))]);
          expect(there.filter(({ guid }) => bases.has(guid)).length, `${when}: bases of ${child}`).toBeGreaterThan(0);
        }
      };

      await takeNext();
      const before = links.map(({ bytes }) => bytes.up + bytes.down);
      await applied(holdfast);
      const traffic = links.map(({ bytes }, index) => bytes.up + bytes.down - (before[index] ?? 0));
      for (let kills = 0; kills < times; kills++) {
        await takeNext();
        const which = upTo(2) as 0 | 1;
        const bytes = upTo(traffic[which] ?? 0);
        const moment = upTo(300);
        const running = holdfast.spawn(...command);
        const over = command[0] === "watch" ? running.printed(/pass over /) : running.result;
        await Promise.race([links[which].passed(bytes).then(() => pause(moment)), over]);
        await running.kill("SIGKILL");
        await running.result;
        for (const link of links) {
          link.cut();
          link.restore();
        }
        await expectNothingLost(`kill ${kills + 1}, ${moment} ms after ${bytes} bytes of link ${which}`);
      }
      await manifest({ ...keep, take: [] });
      // what was cut may still hold its dataset for a moment
      await expect.poll(async () => (await holdfast("apply", "--yes")).code, { timeout: 120_000 }).toBe(0);
      await expectNothingLost("at the end");
      for (const child of below) {
        const named = (rows: readonly { name: string }[]) =>
          rows.map(({ name }) => name).filter((name) => /^a-/.test(name));
        expect(named(await vault.snapshots(`${source}${child}`))).toEqual(taken.slice(-2));
        expect(named(await nas.snapshots(`${copy}${child}`))).toEqual(taken.slice(-3));
      }
      await expectDone(holdfast);
    },
  );

  test(
    "kill -9 at any instant of what somebody agreed to: the next one brings it to its end",
    patience,
    async ({ world }) => {
      const { nas, vault, holdfast } = world;
      const { source, copy, links, manifest } = await backwards(world);
      const names = ["rolled-back", "replaced", "discarded", "orphan"];
      const rounds = Array.from({ length: Math.ceil(times / 3) }, (_, round) => `round-${round}`);
      const forever = { until: "2999-01-01" };
      const approvals = rounds.flatMap((round) => [
        { source: `vault:${source}/${round}/rolled-back`, remote: "nas", resolve: "rollback", ...forever },
        { source: `vault:${source}/${round}/replaced`, remote: "nas", resolve: "replace", ...forever },
        { orphan: `nas:${copy}/${round}/orphan`, ...forever },
      ]);
      await manifest({ keep: { a: 9 }, take: [], remotes: { nas: { keep: { a: 9 } } } }, { approvals });
      let traffic = [1, 1];
      for (const round of rounds) {
        const [here, there] = [`${source}/${round}`, `${copy}/${round}`];
        await vault.sh(`set -e; zfs create ${here}
        for name in ${names.join(" ")}; do zfs create ${here}/$name; head -c 300000 /dev/urandom > /${here}/$name/file; done
        zfs snapshot -r ${here}@a-1`);
        await applied(holdfast);
        const old = await nas.snapshots(`${there}/replaced`);
        await nas.sh(`set -e; d=${there}/rolled-back; zfs set readonly=off canmount=on $d; zfs mount $d
        for name in x-1 x-2; do head -c 100000 /dev/urandom > /$d/$name; zfs snapshot $d@$name; done; zfs unmount $d
        zfs bookmark $d@x-1 $d#cursor`);
        await vault.sh(`set -e; cd /${here}; for name in rolled-back replaced discarded; do head -c 300000 /dev/urandom > $name/more; done
        zfs list -H -o name -t bookmark ${here}/replaced | xargs -n 1 zfs destroy; zfs destroy ${here}/replaced@a-1
        zfs destroy -r ${here}/orphan; zfs snapshot -r ${here}@a-2`);
        const half = `zfs send -L -e -c -i @a-1 ${here}/discarded@a-2 | head -c 150000`;
        await execa("ssh", [...vault.sshArguments(), half]).pipe("ssh", [
          ...nas.sshArguments(),
          `zfs receive -s -u ${there}/discarded || true`,
        ]);
        await vault.sh(`zfs rename ${here}/discarded@a-2 ${here}/discarded@gone && zfs destroy ${here}/discarded@gone`);
        await vault.run("zfs", "snapshot", `${here}/discarded@a-3`);
        const kinds = new Set(shortOf(await planOf(holdfast)).map((line) => line.split(" ")[0]));
        expect(kinds).toEqual(new Set([...kinds, "rollback", "replace", "discard", "destroy-orphan"]));

        const before = links.map(({ bytes }) => bytes.up + bytes.down);
        const which = upTo(2) as 0 | 1;
        const running = holdfast.spawn("apply", "--yes");
        const moment = links[which].passed(upTo(traffic[which] ?? 0)).then(() => pause(upTo(1500)));
        await Promise.race([moment, running.result]);
        await running.kill("SIGKILL");
        await running.result;
        for (const link of links) {
          link.cut();
          link.restore();
        }
        // what was cut may still hold its dataset for a moment
        await expect.poll(async () => (await holdfast("apply", "--yes")).code, { timeout: 120_000 }).toBe(0);
        traffic = links.map(({ bytes }, index) => bytes.up + bytes.down - (before[index] ?? 0));
        for (const name of ["rolled-back", "replaced", "discarded"])
          expect(await nas.snapshots(`${there}/${name}`), `${round} ${name}`).toEqual(
            await vault.snapshots(`${here}/${name}`),
          );
        expect(await nas.exists(`${there}/orphan`), round).toBe(false);
        const kept = await nas.sh(`zfs list -H -o name -d 1 -r ${there} | grep -- -replaced-`);
        expect(kept.split("\n"), round).toHaveLength(1);
        expect(await nas.snapshots(kept), round).toEqual(old);
      }
      await expectDone(holdfast);
    },
  );

  test("the cable cut at any byte of a long chain of sends: little is sent twice", patience, async ({ world }) => {
    const { nas, vault, holdfast } = world;
    const { source, copy, links, manifest } = await backwards(world);
    await manifest({ keep: { a: 10_000 }, take: [], remotes: { nas: { keep: { a: 10_000 } } } });
    const [, link] = links;
    let [taken, size] = [0, 0];
    const take = async (count: number) => {
      for (let more = 0; more < count; more++) {
        await vault.snapshot(source, [`a-${++taken}`], 3);
        const from = taken === 1 ? "" : `-i @a-${taken - 1}`;
        const dry = await vault.sh(`zfs send -LecnP ${from} ${source}@a-${taken}`);
        size += Number(dry.match(/size\s+(\d+)/)?.[1]);
      }
    };
    await take(3);
    // early and late in a stream, then anywhere in one or some
    const positions = [0.3 * MiB, 2.97 * MiB, ...Array.from({ length: times }, () => upTo(8 * MiB))].slice(0, times);
    for (const bytes of positions) {
      const cut = link.cutAfter(bytes);
      let result = await holdfast("apply", "--yes");
      while (result.code === 0) {
        await take(3);
        result = await holdfast("apply", "--yes");
      }
      expect(result.code, `${result.stdout}${result.stderr}`).toBe(3);
      expect(`${result.stdout}${result.stderr}`).toMatch(/goes on from there|connection/i);
      await cut;
      link.restore();
      const [here, there] = [await vault.snapshots(source), (await nas.exists(copy)) ? await nas.snapshots(copy) : []];
      expect(here).toHaveLength(taken);
      expect(there).toEqual(here.slice(0, there.length));
    }
    await expect.poll(async () => (await holdfast("apply", "--yes")).code, { timeout: 120_000 }).toBe(0);
    expect(await nas.snapshots(copy)).toEqual(await vault.snapshots(source));
    expect(link.bytes.up).toBeLessThan(size * 1.05 + times * sshWindow);
    await expectDone(holdfast);
  });

  test(
    "the receiver loses power in a transfer: what it has is right, the rest follows",
    patience,
    async ({ world }) => {
      const { nas, vault, datasets, holdfast } = world;
      const link = await world.link(vault);
      const hosts = { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller", link) };
      await world.manifest(manifestOf(world, { hosts }));
      await nas.snapshot(datasets.tank, ["a-1"], 1);
      await applied(holdfast);
      await nas.snapshot(datasets.tank, ["a-2"], 10);
      const running = holdfast.spawn("apply", "--yes");
      await link.passed(6 * MiB);
      await vault.reboot();
      const { code, stdout, stderr } = await running.result;
      expect(code, `${stdout}${stderr}`).toBe(3);
      expect(`${stdout}${stderr}`).toMatch(/vault/);
      expect(shortOf(await planOf(holdfast))[0]).toMatch(/^(send|resume) a-2$/);
      await applied(holdfast);
      expect(await vault.snapshots(targetOf(world))).toEqual(await nas.snapshots(datasets.tank));
      await vault.run("zfs", "mount", targetOf(world));
      expect(await vault.checksum(`${targetOf(world)}@a-2`)).toBe(await nas.checksum(`${datasets.tank}@a-2`));
      await expectDone(holdfast);
    },
  );

  test("a clock a year ahead, then an hour back: nothing goes by its age", patience, async ({ world }) => {
    const { nas, datasets } = world;
    const holdfast = await world.on(nas);
    const hour = 3600;
    const now = (Math.floor(Date.now() / 1000 / hour) + 0.5) * hour; // far from any tick
    const setClock = (seconds: number) => nas.run("date", "-s", `@${seconds}`);
    const types = { a: {}, hourly: { schedule: "0 * * * *" } };
    const keep = { hourly: { count: 2, within: "12h" } };
    await world.manifest({ version: 1, snapshotTypes: types, datasets: { [datasets.tank]: { keep } } });
    try {
      for (let age = 11; age >= 1; age--) {
        await setClock(now - age * hour);
        await nas.run("zfs", "snapshot", `${datasets.tank}@hourly-${age}`);
      }
      await setClock(now);
      await applied(holdfast);
      const before = await nas.snapshots(datasets.tank);

      await setClock(now + 365 * 24 * hour);
      const ahead = await planOf(holdfast);
      expect(shortOf(ahead)).toEqual(["create hourly"]);
      expect(ahead.blocked).toMatchObject([{ reason: "clock" }]);
      expect((await holdfast("apply", "--yes")).code).toBe(3);
      const during = await nas.snapshots(datasets.tank);
      expect(during.slice(0, -1)).toEqual(before);

      await setClock(now - hour);
      expect(shortOf(await planOf(holdfast))).toEqual([]);
      await setClock(now);
      expect(shortOf(await planOf(holdfast))).toEqual([]);
      expect(await nas.snapshots(datasets.tank)).toEqual(during);
    } finally {
      await setClock(Math.floor(Date.now() / 1000));
    }
  });
});
