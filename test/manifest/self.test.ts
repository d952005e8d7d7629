import { describe, expect, it } from "vitest";
import { lines, parse, valid } from "./helpers.ts";

const fleet = "version: 1\nhosts: { nas01: {}, nas02.example.net: {} }\ndefaults: { keep: { daily: 1 } }\n";
const bare = `${fleet}datasets: { tank: {} }`;
const addressed = `${fleet}datasets: { "nas*:tank": {} }`;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly hostname: string;
  readonly as?: string;
  readonly self: string | null;
  readonly controller: boolean;
  /** With * for this very machine. */
  readonly hosts: readonly string[];
  /** Hosts and datasets of the entries. */
  readonly means: readonly string[];
}

describe("who am I", () => {
  it.each<Case>([
    {
      name: "without hosts: this machine, by its name",
      text: "version: 1\ndatasets: { tank: { keep: { daily: 1 } } }",
      hostname: "box.example.net",
      self: "box.example.net",
      controller: false,
      hosts: ["box.example.net*"],
      means: ["box.example.net:tank"],
    },
    {
      name: "without hosts: by the name it is given",
      text: "version: 1\ndatasets: { tank: { keep: { daily: 1 } } }",
      hostname: "box",
      as: "nas",
      self: "nas",
      controller: false,
      hosts: ["nas*"],
      means: ["nas:tank"],
    },
    {
      name: "a host by the machine's name",
      text: bare,
      hostname: "nas01",
      self: "nas01",
      controller: false,
      hosts: ["nas01*", "nas02.example.net"],
      means: ["nas01:tank"],
    },
    {
      name: "a host by the short form of the machine's name",
      text: bare,
      hostname: "nas01.example.net",
      self: "nas01",
      controller: false,
      hosts: ["nas01*", "nas02.example.net"],
      means: ["nas01:tank"],
    },
    {
      name: "a host by the whole of the machine's name",
      text: bare,
      hostname: "nas02.example.net",
      self: "nas02.example.net",
      controller: false,
      hosts: ["nas01", "nas02.example.net*"],
      means: ["nas02.example.net:tank"],
    },
    {
      name: "a host by --as, whatever the machine is called",
      text: addressed,
      hostname: "nas01",
      as: "nas02.example.net",
      self: "nas02.example.net",
      controller: false,
      hosts: ["nas01", "nas02.example.net*"],
      means: ["nas*:tank"],
    },
    {
      name: "a controller, where no host fits",
      text: addressed,
      hostname: "laptop",
      self: null,
      controller: true,
      hosts: ["nas01", "nas02.example.net"],
      means: ["nas*:tank"],
    },
    {
      name: "a controller with datasets of its own",
      text: bare,
      hostname: "laptop",
      self: "laptop",
      controller: true,
      hosts: ["nas01", "nas02.example.net", "laptop*"],
      means: ["laptop:tank"],
    },
    {
      name: "a controller that is none of them, on one of them",
      text: addressed,
      hostname: "nas01",
      as: "none",
      self: null,
      controller: true,
      hosts: ["nas01", "nas02.example.net"],
      means: ["nas*:tank"],
    },
  ])("$name", ({ text, hostname, as, ...expected }) => {
    const { self, controller, hosts, datasets } = valid(text, { hostname, ...(as === undefined ? {} : { as }) });
    expect({
      self,
      controller,
      hosts: [...hosts.values()].map(({ name, local }) => `${name}${local ? "*" : ""}`),
      means: datasets.map(({ pattern }) => `${pattern.host}:${pattern.dataset}`),
    }).toEqual({ self: expected.self, controller: expected.controller, hosts: expected.hosts, means: expected.means });
  });

  it("refuses a name that is not among the hosts, and says what to add", () => {
    const { diagnostics } = parse(bare, { as: "nas03" });
    expect(diagnostics).toMatchObject([
      {
        code: "unknown-self",
        place: { line: 2, column: 1 },
        message:
          'this process is told to be "nas03" (--as or HOLDFAST_AS), which is not among the hosts: nas01, nas02.example.net',
        hint: "add `nas03: {}` to hosts, or give --as none to control all of them",
      },
    ]);
  });

  it("refuses --as none where there is nothing else to be", () => {
    expect(lines(parse("version: 1", { as: "none" }))).toEqual(["1:1 unknown-self"]);
  });

  it("refuses keys without HOST where there is no this machine", () => {
    const { diagnostics } = parse(`${bare.slice(0, -2)}, tank/x: {} }\nunprotected: { ignore: [tank/y] }`, {
      as: "none",
    });
    expect(diagnostics.map(({ code, hint }) => [code, hint])).toEqual([
      ["needs-host", "write HOST:tank, with one of nas01, nas02.example.net"],
      ["needs-host", "write HOST:tank/x, with one of nas01, nas02.example.net"],
      ["needs-host", "write HOST:tank/y, with one of nas01, nas02.example.net"],
    ]);
  });

  it("refuses a machine's name that cannot be one here", () => {
    expect(lines(parse("version: 1", { hostname: "(none)" }))).toEqual(["1:1 bad-name"]);
  });
});

describe("a colon in a key", () => {
  it.each([
    ["nas01:tank", "nas01", "tank"],
    ["nas01:tank/a:b", "nas01", "tank/a:b"],
    ["*:tank", "*", "tank"],
    ["nas0?:tank/**", "nas0?", "tank/**"],
    ["{nas01,nas09}:tank", "{nas01,nas09}", "tank"],
    ["tank/a:b", "nas01", "tank/a:b"],
    ["x*:tank", "nas01", undefined],
    ["pool:with", "nas01", "pool:with"],
  ])("%s", (key, host, dataset) => {
    const { manifest } = parse(`${fleet}datasets: { "${key}": {} }`, { hostname: "nas01" });
    expect(manifest?.datasets[0]?.pattern).toEqual({ host, dataset: dataset ?? key });
  });

  it("is this machine too, where no hosts are declared", () => {
    expect(valid("version: 1\ndatasets: { 'nas:tank': { keep: { daily: 1 } } }").datasets[0]?.pattern).toEqual({
      host: "nas",
      dataset: "tank",
    });
  });
});
