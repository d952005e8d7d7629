import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Audit } from "../../../src/model/audit.ts";
import { host, testOn } from "./harness/world.ts";

const test = testOn("0.18");

test("a repository without a manifest: what is in it, and a manifest that goes on with it", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  usb.restic(["backup", `--host=${host}`, source]);
  const given = ["--repository", usb.folder, "--password-file", usb.entry.password.file];

  const { code, stdout, stderr } = await holdfast("audit", "--json", ...given);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout) as Audit).toMatchObject({
    datasets: [],
    repositories: [{ repository: usb.folder, copies: 1, sources: [{ host, paths: [source] }], staleLocks: 0 }],
    unobserved: [],
  });
  expect(usb.copies()).toHaveLength(1);
  expect(await holdfast("audit", "--json", "--as", "none", ...given)).toMatchObject({ code: 0, stderr });

  expect(await holdfast("init", ...given)).toMatchObject({ code: 0 });
  const checked = await holdfast("validate");
  expect(checked.code, checked.stderr).toBe(0);
  expect(await holdfast("init", ...given)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is there already; nothing was written"),
  });
});

test("a wrong password, none, one that everybody would see, and no repository at all", async ({ world }) => {
  const { holdfast, folder } = world;
  const usb = world.repository("usb");
  writeFileSync(join(folder, "wrong"), "wrong");
  const wrong = await holdfast("audit", "--repository", usb.folder, "--password-file", join(folder, "wrong"));
  expect(wrong).toMatchObject({ code: 3, stdout: expect.stringContaining("the password is wrong") });
  expect(await holdfast("audit", "--repository", usb.folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("needs a password"),
  });
  const visible = await holdfast(
    "audit",
    "--repository",
    "rest:http://me:hunter2@localhost/",
    "--password-file",
    "wrong",
  );
  expect(visible).toMatchObject({ code: 1, stderr: expect.stringContaining("RESTIC_REPOSITORY") });
  expect(visible.stderr).not.toContain("hunter2");
  expect(await holdfast("audit")).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing to look at") });
  expect(existsSync(join(folder, "holdfast.yaml"))).toBe(false);
});
