import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { processesWith } from "../../transport/leftovers.ts";
import { applied, expectDone, host, kindsOf, planOf, testOn } from "./harness/world.ts";

const test = testOn("0.18");

test("variables of the caller change nothing, and secrets come from it where the manifest says so", async ({
  world,
}) => {
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  const stray = world.secret().text;
  const holdfast = world.with({
    USB_PASSWORD: usb.password.text,
    RESTIC_HOST: "elsewhere",
    RESTIC_REPOSITORY: "/nowhere",
    RESTIC_PASSWORD: stray,
    RESTIC_PASSWORD_COMMAND: "false",
    RESTIC_FROM_REPOSITORY: "/nowhere",
    RESTIC_FROM_PASSWORD: stray,
    RESTIC_COMPRESSION: "nonsense",
    RESTIC_READ_CONCURRENCY: "nonsense",
    RESTIC_PROGRESS_FPS: "60",
    TZ: "Pacific/Kiritimati",
  });
  world.manifest({
    remotes: { usb: { type: "restic", repository: usb.location, password: { env: "USB_PASSWORD" } } },
    directories: { [source]: { keep: { daily: 7 }, remotes: { usb: {} } } },
  });
  await applied(holdfast);
  const copies = usb.copies();
  expect(copies).toMatchObject([{ hostname: host, time: expect.stringMatching(/Z$/) }]);
  usb.expectSame(copies[0]?.id ?? "", source);
  await expectDone(holdfast);
});

test("names of files and sources may be anything", async ({ world }) => {
  const { holdfast } = world;
  const base = world.source("weird");
  const folders = ["-rf", "with space", "$(touch pwned)", "comma, percent %2c", "quote ' and \"", "umlaut ü"];
  const names = ["line\nbreak", "-x", "--exclude=.", "$(id)", "tab\t", "back\\slash", "*", " "];
  for (const folder of folders) {
    mkdirSync(join(base, folder));
    for (const name of names) writeFileSync(join(base, folder, name), name);
    writeFileSync(Buffer.concat([Buffer.from(join(base, folder, "latin-")), Buffer.of(0xff, 0xfe)]), "no UTF-8");
  }
  const usb = world.repository("usb");
  const sources = folders.map((folder) => join(base, folder));
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: Object.fromEntries(sources.map((source) => [source, { keep: { daily: 7 }, remotes: { usb: {} } }])),
  });
  await applied(holdfast);
  const copies = usb.copies();
  expect(copies).toHaveLength(sources.length);
  for (const source of sources) {
    const copy = copies.find(({ paths }) => paths[0] === source);
    usb.expectSame(copy?.id ?? source, source);
  }
  expect(execFileSync("find", [world.folder, "-name", "pwned"], { encoding: "utf8" })).toBe("");
  await expectDone(holdfast);
});

test("no secret is in any argument list, at any time", async ({ world }) => {
  const source = world.source("data", { a: 3_000_000 });
  const usb = world.repository("usb");
  const vault = world.repository("vault");
  for (const daysAgo of [4, 3, 2]) usb.seed(source, { daysAgo });
  const extra = world.secret();
  world.manifest({
    remotes: {
      usb: {
        type: "restic",
        ...usb.entry,
        environment: { AWS_SECRET_ACCESS_KEY: { file: extra.file } },
        limit: { upload: "2MiB/s" },
      },
    },
    mirrors: { vault: { of: "usb", ...vault.entry, keep: { daily: 1 } } },
    directories: { [source]: { keep: { daily: 2 }, remotes: { usb: {} } } },
  });
  const seen = new Set<string>();
  let looks = 0;
  const sampling = setInterval(() => {
    looks += 1;
    for (const { text } of [usb.password, vault.password, extra])
      for (const line of processesWith(text)) seen.add(line);
  }, 20);
  try {
    await applied(world.holdfast, "--log-level", "debug");
  } finally {
    clearInterval(sampling);
  }
  expect(looks).toBeGreaterThan(20);
  expect([...seen]).toEqual([]);
  expect(world.started().length).toBeGreaterThan(5);
  expect(usb.copies()).toHaveLength(2);
  await expectDone(world.holdfast);
});

test("100,000 small files", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("many");
  execFileSync("bash", ["-c", 'for i in {0..99}; do mkdir $i && (cd $i && eval ": > "{0..999}";"); done'], {
    cwd: source,
  });
  const usb = world.repository("usb");
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { daily: 7 }, remotes: { usb: {} }, expect: { minFiles: 100_000 } } },
  });
  const { operations } = await applied(holdfast);
  expect(operations).toMatchObject([{ outcome: "done", backup: { files: 100_000, unreadable: [] } }]);
  expect(kindsOf(await planOf(holdfast))).toEqual([]);
  expect(usb.restic(["ls", "--no-lock", "latest"]).match(/\/\d+\/\d+$/gm)).toHaveLength(100_000);
  await expectDone(holdfast);
});
