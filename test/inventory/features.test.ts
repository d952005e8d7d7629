import { describe, expect, test } from "vitest";
import { observe } from "../../src/inventory/index.ts";
import type { Need } from "../../src/model/inventory.ts";
import type { EpochSeconds, HostName } from "../../src/model/units.ts";
import { type Fault, fakeHosts } from "./fake-hosts.ts";
import { manifest } from "./manifests.ts";

const row = (name: string): string =>
  `${name}\tfilesystem\t77\t1\t1700000000\t100\t90\t-\t-\t-\t90\t-\toff\t-\t-\t0\tyes\t/x\t5000\n`;
const settings = (dataset: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([property, value]) => `${dataset}\t${property}\t${value}\n`)
    .join("");
const plain = { recordsize: "131072", volblocksize: "-", dnodesize: "legacy", compression: "on" };

type States = Readonly<Record<string, string>>;
async function needsOf(here: States, there: States, values: States, fault?: Fault) {
  const hosts = fakeHosts(
    {
      nas: {
        pools: ["tank"],
        features: here,
        rows: row("tank/data") + row("tank/data/below"),
        settings: settings("tank/data", plain) + settings("tank/data/below", { ...plain, ...values }),
      },
      vault: { pools: ["back"], features: there, rows: row("back/nas"), settings: "" },
    },
    fault,
  );
  const found = await observe(
    manifest({
      self: null,
      hosts: ["nas", "vault"],
      remotes: { vault: { host: "vault", root: "back/{host}" } },
      datasets: { "nas:tank/data": ["vault"] },
    }),
    hosts,
    { now: 1_800_000_000 as EpochSeconds },
  );
  const nas = found.hosts["nas" as HostName];
  const needs =
    nas?.state === "observed" ? nas.datasets.map(({ needs }) => needs).filter((each) => each !== undefined) : nas;
  return { nas, needs, questions: hosts.asked.filter((asked) => asked === "nas: zfs get").length };
}
const need = (feature: string, setting: string): Need[][] => [[{ feature, setting }]];

describe("features that streams need", () => {
  test.each<[setting: string, feature: string]>([
    ["recordsize=1048576", "large_blocks"],
    ["volblocksize=262144", "large_blocks"],
    ["dnodesize=auto", "large_dnode"],
    ["compression=zstd-3", "zstd_compress"],
    ["longname=on", "longname"],
  ])("%s needs %s", async (setting, feature) => {
    const [property = "", value = ""] = setting.split("=");
    const here = { longname: "enabled", [feature]: "active" };
    expect((await needsOf(here, { [feature]: "disabled" }, { [property]: value })).needs).toEqual(
      need(feature, setting),
    );
    expect((await needsOf(here, {}, { [property]: value })).needs).toEqual(need(feature, setting));
  });

  test("settings whose feature the pool does not use need nothing", async () => {
    const here = { large_blocks: "enabled", zstd_compress: "active" };
    expect((await needsOf(here, {}, { recordsize: "1048576" })).needs).toEqual([]);
  });

  test("nobody is asked where every pool can hold what any of them uses", async () => {
    const here = { large_blocks: "active", longname: "enabled" };
    const { needs, questions } = await needsOf(here, { large_blocks: "enabled" }, { recordsize: "1048576" });
    expect(needs).toEqual([]);
    expect(questions).toBe(1);
  });

  test("a pool's states are in the inventory, without those that do not matter", async () => {
    const { nas } = await needsOf({ large_blocks: "active", draid: "enabled", longname: "disabled" }, {}, {});
    expect(nas).toMatchObject({ features: { tank: { large_blocks: "active", longname: "disabled" } } });
    expect(nas).not.toHaveProperty("features.tank.draid");
  });

  test("a host that does not tell its settings is observed all the same", async () => {
    const fault: Fault = (_host, argv) =>
      argv.some((word) => word.startsWith("recordsize"))
        ? { code: 1, stdout: "", stderr: "out of memory\n" }
        : undefined;
    const { nas, needs } = await needsOf({ large_blocks: "active" }, {}, { recordsize: "1048576" }, fault);
    expect(nas).toMatchObject({ state: "observed" });
    expect(needs).toEqual([]);
  });
});
