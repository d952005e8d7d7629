import { describe, expect, test } from "vitest";
import { type ObserveOptions, observe, observeDataset } from "../../src/inventory/index.ts";
import type { Dataset, HostInventory, Inventory } from "../../src/model/inventory.ts";
import type { DatasetName, EpochSeconds, HostName } from "../../src/model/units.ts";
import { type Hosts, TransportError } from "../../src/transport/types.ts";
import { captured } from "./captured.ts";
import { type Fault, fakeHosts, type Machine } from "./fake-hosts.ts";
import { manifest } from "./manifests.ts";

const every = captured("2.3", "list-every-kind");
const base = every.stdout.split("\t")[0] ?? "";
const pool = base.split("/")[0] ?? "";
const row = (name: string, changes: Record<number, string> = {}): string => {
  const fields = `${name}\tfilesystem\t77\t1\t1700000000\t100\t90\t-\t-\t-\t90\t-\toff\t-\t-\t0\tyes\t/x\t5000`.split(
    "\t",
  );
  for (const [column, value] of Object.entries(changes)) fields[Number(column)] = value;
  return `${fields.join("\t")}\n`;
};
const nas: Machine = {
  pools: [pool],
  rows: row(pool) + every.stdout,
  own: captured("2.3", "get-own-properties").stdout,
  holds: captured("2.3", "holds").stdout,
};
const vault: Machine = { pools: ["back"], rows: row("back") + row("back/up") + row("back/up/nas") };
const world = { nas, vault };
const two = manifest({
  self: null,
  hosts: ["nas", "vault"],
  remotes: { vault: { host: "vault", root: "back/up/{host}" } },
  datasets: { [`nas:${base}`]: ["vault"] },
});

const look = (hosts: Hosts, options: Partial<ObserveOptions> = {}, of = two): Promise<Inventory> =>
  observe(of, hosts, { now: 1_800_000_000 as EpochSeconds, ...options });
const hostIn = (inventory: Inventory, host: string): HostInventory | undefined => inventory.hosts[host as HostName];
function datasetIn(inventory: Inventory, host: string, name: string): Dataset | undefined {
  const found = hostIn(inventory, host);
  return found?.state === "observed" ? found.datasets.find((dataset) => dataset.name === name) : undefined;
}

describe("observing", () => {
  test("everything of every host, with four questions each and what is special", async () => {
    const hosts = fakeHosts(world);
    const inventory = await look(hosts);
    expect(inventory).toMatchObject({ formatVersion: 1, observedAt: 1_800_000_000 });
    expect(hostIn(inventory, "nas")).toMatchObject({
      state: "observed",
      zfsVersion: "2.3.2-1",
      pools: [pool],
      roots: [base],
    });
    const data = datasetIn(inventory, "nas", `${base}/data`);
    expect(data?.own).toEqual({ adopted: "on" });
    expect(data?.snapshots[0]).toMatchObject({ name: "s1", holds: ["holdfast"], clones: [`${base}/clone`] });
    expect(data?.snapshots[1]).not.toHaveProperty("holds");
    expect(datasetIn(inventory, "nas", `${base}/clone`)?.own).toEqual({});
    expect(hosts.asked.filter((each) => each === "nas: zfs list")).toHaveLength(1);
    expect(hosts.asked.filter((each) => each === "nas: zfs holds")).toHaveLength(1);
    expect(hosts.asked.filter((each) => each.startsWith("vault:")).sort()).toEqual([
      "vault: zfs get",
      "vault: zfs list",
      "vault: zfs version",
      "vault: zpool get",
    ]);
  });

  test("is plain JSON", async () => {
    const inventory = await look(fakeHosts(world));
    expect(JSON.parse(JSON.stringify(inventory))).toEqual(inventory);
  });

  test("a root that is missing while its pool answers is absent, and how far the way to it exists is known", async () => {
    const inventory = await look(
      fakeHosts({ nas, vault: { pools: ["back"], rows: row("back") + row("back/up") + row("back/other") } }),
    );
    const found = hostIn(inventory, "vault");
    expect(found).toMatchObject({ state: "observed", pools: ["back"], roots: ["back/up/nas"] });
    expect(found?.state === "observed" && found.datasets.map(({ name }) => name)).toEqual(["back", "back/up"]);
  });

  test("a root whose pool is not imported is not absent", async () => {
    const inventory = await look(fakeHosts({ nas, vault: { pools: ["root"], rows: row("root") } }));
    expect(hostIn(inventory, "vault")).toMatchObject({ state: "observed", pools: ["root"], datasets: [] });
  });

  test("a pool that goes away while it is looked at is not imported", async () => {
    const empty = { code: 1, stdout: "", stderr: "cannot open 'back/up/nas': dataset does not exist\n" };
    const hosts = fakeHosts(world, (host, argv) => {
      if (host !== "vault" || argv[0] === "zpool" || argv[1] === "version") return undefined;
      const roots = argv.filter((word) => word.startsWith("back"));
      return { ...empty, stderr: roots.map((root) => `cannot open '${root}': dataset does not exist\n`).join("") };
    });
    expect(hostIn(await look(hosts), "vault")).toMatchObject({ state: "observed", pools: [], datasets: [] });
  });

  test("a dataset that appears while it is looked at makes no absence", async () => {
    let first = true;
    const hosts = fakeHosts(world, (host, argv) => {
      if (host !== "vault" || argv[1] !== "list" || argv[0] !== "zfs" || !first) return undefined;
      first = false;
      return { code: 1, stdout: "", stderr: "cannot open 'back/up/nas': dataset does not exist\n" };
    });
    expect(hostIn(await look(hosts), "vault")).toMatchObject({
      state: "unobserved",
      reason: expect.stringMatching(/was created while/),
    });
  });

  test("a pattern that begins with one lists every pool, and every pool must be there", async () => {
    const anywhere = manifest({ self: "nas", hosts: ["nas"], datasets: { "nas:*/data": [] } });
    const inventory = await look(fakeHosts(world), {}, anywhere);
    expect(hostIn(inventory, "nas")).toMatchObject({ state: "observed", roots: [pool], pools: [pool] });
    const more = await look(fakeHosts({ nas: { ...nas, pools: [pool, "usb"] } }), {}, anywhere);
    expect(hostIn(more, "nas")).toMatchObject({
      state: "unobserved",
      reason: expect.stringMatching(/pool usb was imported or exported/),
    });
    const none = await look(fakeHosts({ nas: { pools: [], rows: "" } }), {}, anywhere);
    expect(hostIn(none, "nas")).toMatchObject({ state: "observed", pools: [], datasets: [] });
  });

  describe("tokens are explained where their source is", () => {
    const token = "1-abc-f8-789c";
    const explained = captured("2.3", "token-initial");
    const cut = { ...vault, rows: vault.rows + row("back/up/nas/data", { 11: token }) };
    const resume = (inventory: Inventory): unknown => datasetIn(inventory, "vault", "back/up/nas/data")?.resume;

    test("usable", async () => {
      const inventory = await look(fakeHosts({ nas: { ...nas, tokens: { [token]: explained } }, vault: cut }));
      expect(resume(inventory)).toMatchObject({
        token,
        content: { usable: true, toName: expect.stringMatching(/@s2$/) },
      });
    });

    test("not usable, and why", async () => {
      const gone = captured("2.3", "token-target-destroyed");
      const inventory = await look(fakeHosts({ nas: { ...nas, tokens: { [token]: gone } }, vault: cut }));
      expect(resume(inventory)).toMatchObject({
        token,
        content: { usable: false, problem: expect.stringMatching(/no longer exists/) },
      });
    });

    test.each<[string, Fault]>([
      ["cannot be decoded", () => undefined],
      ["source is away", (host) => (host === "nas" ? new TransportError("unreachable", "nas: no route") : undefined)],
      [
        "source goes away meanwhile",
        (_, argv) => (argv[1] === "send" ? new TransportError("connection-lost", "nas: connection lost") : undefined),
      ],
    ])("%s: the token alone", async (_, fault) => {
      const inventory = await look(fakeHosts({ nas, vault: cut }, fault));
      expect(resume(inventory)).toEqual({ token });
    });
  });
});

describe("what goes wrong makes the host unobserved, with the reason; the others are observed", () => {
  const spoil =
    (verb: string, how: Partial<Awaited<ReturnType<Hosts["run"]>>> | Error): Fault =>
    (host, argv, answer) =>
      host === "nas" && argv.slice(0, 2).join(" ") === verb
        ? how instanceof Error
          ? how
          : { ...answer, ...how }
        : undefined;
  const lastRowCut = every.stdout.slice(0, -4);

  test.each<[string, Fault, RegExp]>([
    [
      "the connection is lost",
      spoil("zfs list", new TransportError("connection-lost", "nas: connection lost")),
      /connection lost/,
    ],
    [
      "the host key is wrong, with what to do",
      spoil("zfs version", new TransportError("host-key", "offered …", { hint: 'write hostKeys: ["…"]' })),
      /offered …\nwrite hostKeys/,
    ],
    [
      "it hangs",
      spoil("zfs get", new TransportError("timeout", "zfs get printed nothing for 600 s")),
      /printed nothing/,
    ],
    [
      "zfs is not there",
      spoil("zfs list", new TransportError("not-found", "nas: zfs is not installed there")),
      /not installed/,
    ],
    [
      "zfs list fails",
      spoil("zfs list", { code: 1, stdout: "", stderr: "internal error: out of memory\n" }),
      /zfs list failed \(exit code 1\): internal error/,
    ],
    [
      "the module is not loaded",
      spoil("zfs list", { code: 1, stdout: "", stderr: "The ZFS modules are not loaded.\n" }),
      /modprobe zfs/,
    ],
    ["it may not look", spoil("zpool get", { code: 1, stdout: "", stderr: "permission denied\n" }), /sudo: true/],
    ["it is killed", spoil("zfs list", { code: null, signal: "SIGKILL" }), /ended by SIGKILL/],
    [
      "exit code 0 with a complaint",
      spoil("zfs list", { stderr: "cannot iterate filesystems: I\\/O error\n" }),
      /I\\\/O error/,
    ],
    ["exit code 1 without one", spoil("zfs list", { code: 1 }), /zfs list failed \(exit code 1\)/],
    ["exit code 2", spoil("zfs list", { code: 2, stderr: "invalid property 'written'\n" }), /invalid property/],
    [
      "some other dataset is missing",
      spoil("zfs list", { code: 1, stderr: "cannot open 'other': dataset does not exist\n" }),
      /'other'/,
    ],
    ["the last row is cut", spoil("zfs list", { stdout: lastRowCut }), /middle of a row/],
    ["the root is not in it", spoil("zfs list", { stdout: "" }), /says nothing about/],
    ["garbage", spoil("zfs list", { stdout: "Segmentation fault\n" }), /makes no sense/],
    [
      "garbage, and a failure that explains it",
      spoil("zfs list", { stdout: "Usage\n", code: 2, stderr: "bad\n" }),
      /zfs list failed \(exit code 2\): bad/,
    ],
    ["own properties fail", spoil("zfs get", { code: 1, stderr: "internal error\n" }), /zfs get failed/],
    ["own properties are garbage", spoil("zfs get", { stdout: "tank\n" }), /zfs get makes no sense/],
    ["holds fail", spoil("zfs holds", { code: 1, stdout: "", stderr: "permission denied\n" }), /zfs holds failed/],
    ["pools are cut", spoil("zpool get", { stdout: "tan" }), /middle of a line/],
  ])("%s", async (_, fault, reason) => {
    const inventory = await look(fakeHosts(world, fault));
    expect(hostIn(inventory, "nas")).toEqual({ state: "unobserved", reason: expect.stringMatching(reason) });
    expect(hostIn(inventory, "vault")).toMatchObject({ state: "observed" });
  });

  test("the listing cut after any byte", async () => {
    for (let end = 0; end < every.stdout.length - 1; end += 7) {
      // A connection that is cut leaves no exit code: whatever came before it proves nothing.
      const cut = every.stdout.slice(0, end);
      const inventory = await look(fakeHosts(world, spoil("zfs list", { stdout: cut, code: null, signal: "SIGPIPE" })));
      expect(hostIn(inventory, "nas")?.state, `cut at ${end}`).toBe("unobserved");
    }
  });

  test("the first failure ends the other questions to that host", async () => {
    let ended = 0;
    const hosts = fakeHosts(world, (host, argv, _, options) => {
      if (host !== "nas") return undefined;
      if (argv[0] === "zpool") return new TransportError("timeout", "zpool get did not end within 60 s");
      return new Promise((_resolve, reject) => {
        options?.signal?.addEventListener("abort", () => {
          ended += 1;
          reject(new TransportError("aborted", "interrupted"));
        });
      });
    });
    expect(hostIn(await look(hosts), "nas")).toMatchObject({
      state: "unobserved",
      reason: expect.stringMatching(/zpool get did not end/),
    });
    expect(ended).toBe(3);
  });

  test("a hold that was released, a snapshot that was destroyed meanwhile: no fault", async () => {
    const name = `${base}/data@s1`;
    const gone = spoil("zfs holds", { code: 1, stdout: "", stderr: `cannot open '${name}': dataset does not exist\n` });
    for (const fault of [gone, spoil("zfs holds", { stdout: "" })]) {
      const data = datasetIn(await look(fakeHosts(world, fault)), "nas", `${base}/data`);
      expect(data?.snapshots[0]).not.toHaveProperty("holds");
    }
  });

  test("a bug of our own is not taken for a host's fault", async () => {
    await expect(look(fakeHosts(world, () => new TypeError("oops")))).rejects.toThrow("oops");
  });
});

describe("one dataset right before it is changed", () => {
  const fresh = (hosts: Hosts, name: string): Promise<Dataset | null> =>
    observeDataset(hosts, "nas" as HostName, name as DatasetName, { own: true });

  test("as in the inventory, without its children", async () => {
    const inventory = await look(fakeHosts(world));
    for (const name of [`${base}/data`, `${base}/volume`, `${base}/encrypted`, pool]) {
      const hosts = fakeHosts(world);
      const found = await fresh(hosts, name);
      expect(found).toEqual(datasetIn(inventory, "nas", name) ?? found);
      expect(found?.name).toBe(name);
    }
  });

  test("one process, but for what it has been given itself", async () => {
    const hosts = fakeHosts(world);
    const found = await observeDataset(hosts, "nas" as HostName, `${base}/volume` as DatasetName);
    expect(hosts.asked).toEqual(["nas: zfs list"]);
    expect(found?.own).toEqual({});
  });

  test("a token is there, undecoded", async () => {
    expect(await fresh(fakeHosts(world), `${base}/cut-initial`)).toMatchObject({
      resume: { token: expect.stringMatching(/^1-/) },
    });
  });

  test("absent only if its pool answers", async () => {
    expect(await fresh(fakeHosts(world), `${base}/none`)).toBeNull();
    await expect(fresh(fakeHosts(world), "usb/none")).rejects.toThrow("pool usb is not imported on nas");
    await expect(fresh(fakeHosts(world), "usb")).rejects.toThrow("pool usb is not imported on nas");
  });

  test("anything odd is thrown", async () => {
    const lost = new TransportError("connection-lost", "nas: connection lost");
    await expect(
      fresh(
        fakeHosts(world, () => lost),
        `${base}/data`,
      ),
    ).rejects.toBe(lost);
    const cut: Fault = (_, argv, answer) =>
      argv[1] === "list" ? { ...answer, stdout: answer.stdout.slice(0, -1) } : undefined;
    await expect(fresh(fakeHosts(world, cut), `${base}/data`)).rejects.toThrow("middle of a row");
  });
});
