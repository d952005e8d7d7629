import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Host } from "../../../src/model/manifest.ts";
import type { HostName } from "../../../src/model/units.ts";
import { type Kind, lostIn } from "../../../src/remotes/drills/attributes.ts";
import {
  BLOCK_MIB,
  compareBlocks,
  compareGroup,
  compareListings,
  type Difference,
  isOfAttributes,
  list,
  readGroup,
  type Side,
  Unreadable,
} from "../../../src/remotes/drills/compare.ts";
import type { Entry } from "../../../src/remotes/drills/entries.ts";
import { connectHosts, type Hosts } from "../../../src/transport/index.ts";
import { watchForLeftovers } from "../../transport/leftovers.ts";

const nas = "nas" as HostName;
const here: Host = { name: nas, local: true, address: "", port: 22, user: "", hostKeys: [], sudo: false };
const { TMPDIR: folder } = watchForLeftovers();
let hosts: Hosts;
const signal = new AbortController().signal;
const side = (name: string): Side => ({
  host: nas,
  inside: (argv) => ["sh", "-c", 'cd -- "$0" && exec "$@"', join(folder, name), ...argv],
});
const [source, copy] = [side("source"), side("copy")];
const at = (name: string, file: string): string => join(folder, name, file);

/** All that a tree can have: names that are awkward, links, holes, attributes. */
const TREE = `mkdir -p deep/er && printf one >deep/er/one && printf two >two && ln two hard && ln -s nowhere soft && mkfifo pipe
truncate -s 8M holes && printf x >>holes && printf n >"$(printf 'new\\nline')" && printf t >"$(printf 'a\\ttab')" && printf d >-rf
printf b >'b\\101' && chmod 4750 two && : >empty`;

beforeAll(() => {
  hosts = connectHosts(new Map([[nas, here]]), { env: { PATH: process.env.PATH, HOME: folder } });
});
afterAll(() => hosts.close());
beforeEach(() => {
  for (const name of ["source", "copy"]) rmSync(join(folder, name), { recursive: true, force: true });
  mkdirSync(join(folder, "source"));
  execFileSync("sh", ["-ec", TREE], { cwd: join(folder, "source") });
  execFileSync("cp", ["-a", "source", "copy"], { cwd: folder });
});

/** As a drill does it: all names, then the contents of all files. */
async function differences(): Promise<string[]> {
  const means = { hosts, signal };
  const entries: Entry[] = [];
  const listing = await compareListings(means, source, copy, (entry) => entries.push(entry));
  const files = entries.filter(({ type }) => type !== "s").map(({ path, size }) => ({ path, bytes: size }));
  const found = new Map<string, Difference>(listing.differences.map((each) => [each.what, each]));
  const isThere = ({ path }: { readonly path: string }): boolean =>
    !found.get(path.replace("./", ""))?.how.includes("lacks");
  for (const each of await compareGroup(means, source, copy, files.filter(isThere)))
    if (!found.has(each.what)) found.set(each.what, each);
  return [...found.values()].map(({ what, how }) => `${what}: ${how}`).sort();
}

describe("two folders", () => {
  test("that are alike have no differences, whatever their files are called", async () => {
    expect(await differences()).toEqual([]);
  });

  test.each<[what: string, change: () => void, expected: string[]]>([
    [
      "one byte",
      () => {
        const time = new Date(1_000_000_000_000);
        for (const name of ["source", "copy"]) {
          writeFileSync(at(name, "deep/er/one"), name === "source" ? "one" : "onf");
          utimesSync(at(name, "deep/er/one"), time, time);
        }
      },
      ["deep/er/one: other contents"],
    ],
    [
      "mode",
      () => chmodSync(at("copy", "two"), 0o4755),
      ["hard: mode 4755 instead of 4750", "two: mode 4755 instead of 4750"],
    ],
    ["a time", () => utimesSync(at("copy", "-rf"), 1, 1), ["-rf: another time"]],
    [
      "where a link points to",
      () => {
        rmSync(at("copy", "soft"));
        symlinkSync("elsewhr", at("copy", "soft"));
        execFileSync("touch", ["-h", "-r", at("source", "soft"), at("copy", "soft")]);
        execFileSync("touch", ["-r", at("source", "."), at("copy", ".")]);
      },
      ["soft: points elsewhere"],
    ],
    [
      "what is missing, and what should not be there",
      () => {
        execFileSync("mv", [at("copy", "new\nline"), at("copy", "other")]);
        execFileSync("touch", ["-r", at("source", "."), at("copy", ".")]);
      },
      ["new\nline: the copy lacks it", "other: only the copy has it"],
    ],
    [
      "what became of a hole",
      () => {
        execFileSync(
          "sh",
          ["-ec", "printf y | dd of=holes bs=1 seek=5000000 conv=notrunc status=none; touch -r ../source/holes holes"],
          {
            cwd: join(folder, "copy"),
          },
        );
      },
      ["holes: other contents"],
    ],
  ])("%s", async (_, change, expected) => {
    change();
    expect(await differences()).toEqual(expected);
  });

  test("attributes, which no listing shows", async () => {
    const set = (value: string): void =>
      void execFileSync("tar", ["--extract", "--file=-", "--xattrs", `--directory=${join(folder, "copy")}`], {
        input: withAttribute("empty", value),
      });
    // the same empty file, but for the attribute
    set("1");
    const means = { hosts, signal };
    const [found] = await compareGroup(means, source, copy, [{ path: "./empty", bytes: 0 }]);
    expect(found).toMatchObject({ what: "empty", how: expect.stringContaining("other attributes") });
  });

  test("that cannot be read say so, and are no difference", async () => {
    const means = { hosts, signal };
    await expect(list(means, side("absent"), () => {})).rejects.toThrow(Unreadable);
    rmSync(at("source", "empty"));
    await expect(compareGroup(means, source, copy, [{ path: "./empty", bytes: 0 }])).rejects.toThrow("is not there");
    expect(
      await readGroup(means, copy, [
        { path: "./two", bytes: 3 },
        { path: "./gone", bytes: 3 },
      ]),
    ).toEqual([{ what: "gone", how: "it cannot be read" }]);
  });

  test("what the account may not read is nothing that the copy lacks", async () => {
    const means = { hosts, signal };
    const powers = ["--bounding-set", "-dac_override,-dac_read_search"];
    const inside: Side["inside"] = (argv) => [
      ...(process.getuid?.() === 0 ? ["setpriv", ...powers] : []),
      ...copy.inside(argv),
    ];
    const bare = { ...copy, inside };
    chmodSync(at("copy", "two"), 0);
    const two = [{ path: "./two", bytes: 3 }];
    const refused = { name: "Unreadable", side: bare, message: "two: cannot be read: Permission denied" };
    await expect(compareGroup(means, source, bare, two)).rejects.toMatchObject(refused);
    await expect(readGroup(means, bare, two)).rejects.toMatchObject(refused);
    const [mine, theirs] = [source, bare].map((each) => ({ side: each, path: "./two" }));
    if (mine === undefined || theirs === undefined) throw new Error("there are two");
    await expect(compareBlocks(means, mine, theirs, [0], () => {})).rejects.toMatchObject({
      ...{ name: "Unreadable", side: bare, message: expect.stringContaining("Permission denied") },
    });
  });

  test("a large file is compared in parts", async () => {
    for (const name of ["source", "copy"]) {
      writeFileSync(at(name, "large"), "");
      truncateSync(at(name, "large"), 3 * BLOCK_MIB * 2 ** 20);
    }
    execFileSync("sh", ["-ec", `printf x | dd of=large bs=1M seek=${2 * BLOCK_MIB} conv=notrunc status=none`], {
      cwd: join(folder, "copy"),
    });
    const compare = (offsets: readonly number[]) =>
      compareBlocks(
        { hosts, signal },
        { side: source, path: "./large" },
        { side: copy, path: "./large" },
        offsets,
        () => {},
      );
    expect(await compare([0, BLOCK_MIB])).toEqual([]);
    expect(await compare([0, 2 * BLOCK_MIB])).toEqual([
      { what: "large", how: `other contents from ${2 * BLOCK_MIB} MiB on` },
    ]);
  });
});

test("which kinds of attributes a folder cannot keep is found out there, and leaves nothing", async () => {
  const means = { hosts, signal };
  const lost = await lostIn(means, copy);
  const kept = (["acl", "user", "trusted", "security"] as const).filter((kind) => !lost.has(kind));
  expect(existsSync(at("copy", "holdfast-kept"))).toBe(false);
  // as an account without powers, and where nobody may write at all
  const bare: Side = { host: nas, inside: (argv) => copy.inside(["setpriv", "--bounding-set", "-all", ...argv]) };
  if (process.getuid?.() === 0) expect([...(await lostIn(means, bare))]).toEqual(expect.arrayContaining(["trusted"]));
  expect([...(await lostIn(means, side("absent")))]).toEqual(["acl", "user", "trusted", "security"]);

  writeFileSync(at("source", "noted"), "");
  writeFileSync(at("copy", "noted"), "");
  for (const name of ["source", "copy"])
    utimesSync(at(name, "noted"), new Date(1_000_000_000_000), new Date(1_000_000_000_000));
  execFileSync("tar", ["--extract", "--xattrs", "--file=-"], {
    ...{ cwd: join(folder, "source"), input: withAttribute("noted", "blue") },
  });
  const files = [{ path: "./noted", bytes: 0 }];
  const compare = (kinds: ReadonlySet<Kind>) =>
    compareGroup(means, source, copy, files, { isOwnerKept: true, lost: kinds });
  const found = (await compare(new Set(["acl"]))).map(({ how }) => how.split(", ").at(-1));
  expect(found.includes("other attributes")).toBe(kept.includes("user"));
  expect((await compare(new Set(["user"]))).some(isOfAttributes)).toBe(false);
});

/** An archive with one empty file that has an attribute: no tool for setting one is needed. */
function withAttribute(name: string, value: string): Buffer {
  const body = `SCHILY.xattr.user.note=${value}\n`;
  let length = body.length + 3;
  while (`${length} ${body}`.length !== length) length += 1;
  const records = `${length} ${body}`;
  return Buffer.concat([
    header(`PaxHeaders/${name}`, records.length, "x"),
    Buffer.from(records.padEnd(Math.ceil(records.length / 512) * 512, "\0")),
    header(name, 0, "0"),
    Buffer.alloc(1024),
  ]);
}

function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512);
  const put = (text: string, start: number): void => void block.write(text, start, "latin1");
  put(name, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(`${size.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0", 136);
  put("        ", 148);
  put(type, 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((all, byte) => all + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
