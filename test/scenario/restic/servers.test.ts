import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startS3 } from "./harness/s3.ts";
import type { Account, Server, Sftp } from "./harness/servers.ts";
import { startRestServer, startSftp } from "./harness/servers.ts";
import { applied, expectDone, kindsOf, planOf, reportOf, testOn, VERSIONS, type World } from "./harness/world.ts";

const test = testOn("0.18");
const account: Account = { user: "nas", password: "Grape4Lantern9" };
const started: { stop(): Promise<void> }[] = [];
const stopping = <S extends { stop(): Promise<void> }>(server: S): S => {
  started.push(server);
  return server;
};
afterAll(() => Promise.all(started.map((server) => server.stop())));

let names = 0;
/** Each test has a repository of its own on a server that others use too. */
const ownName = (): string => `repository-${names++}`;

const sourceIn = (world: World): string => world.source("data", { a: "text", "folder/b": 200_000 });

/** One directory in one repository. */
const manifestOf = (source: string, remote: object): object => ({
  remotes: { off: { type: "restic", ...remote } },
  directories: { [source]: { keep: { daily: 2 }, remotes: { off: {} } } },
});

/** The whole way: made, filled, listed, thinned, by a location that is a secret or is none. */
async function fromFirstToLast(world: World, remote: object, folder: string, password: { file: string; text: string }) {
  const { holdfast } = world;
  const entry = { password: { file: password.file }, ...remote };
  const there = world.repository("unused", { folder, password, absent: true });
  const source = sourceIn(world);
  world.manifest(manifestOf(source, { ...entry, init: true }));
  expect(kindsOf(await planOf(holdfast))).toEqual(["init off", "backup off"]);
  await applied(holdfast);
  there.makeCheap();
  const [copy] = there.copies();
  there.expectSame(copy?.id ?? "", source);
  for (const daysAgo of [3, 2, 1.5]) there.seed(source, { daysAgo });
  expect(kindsOf(await planOf(holdfast))).toEqual(["forget off 2"]);
  await applied(holdfast);
  expect(there.copies()).toHaveLength(2);
  expect(there.locks()).toEqual([]);
  await expectDone(holdfast);
  const { stdout, code } = await holdfast("list", "--json");
  expect(code).toBe(0);
  expect(stdout).toContain(copy?.id);
}

describe("rest-server", () => {
  let server: Server;
  let appendOnly: Server;
  beforeAll(async () => {
    server = stopping(await startRestServer({ account }));
    appendOnly = stopping(await startRestServer({ appendOnly: true }));
  });
  const location = ({ user, password }: Account, name: string): string =>
    `rest:http://${user}:${password}@127.0.0.1:${server.port}/${name}/`;

  test("from first to last; the password in its URL is a secret", async ({ world }) => {
    const name = ownName();
    world.secret(account.password);
    const url = world.secret(location(account, name));
    await fromFirstToLast(world, { repository: { file: url.file } }, join(server.folder, name), world.secret());
  });

  for (const version of VERSIONS) {
    testOn(version)(`its login in the environment, from first to last, by restic ${version}`, async ({ world }) => {
      const name = ownName();
      const remote = {
        repository: `rest:http://127.0.0.1:${server.port}/${name}/`,
        environment: {
          RESTIC_REST_USERNAME: account.user,
          RESTIC_REST_PASSWORD: { file: world.secret(account.password).file },
        },
      };
      await fromFirstToLast(world, remote, join(server.folder, name), world.secret());
    });
  }

  test("a wrong password of the server, and one of the repository, are no absent repository", async ({ world }) => {
    const name = ownName();
    const password = world.secret();
    const wrong = world.secret("Wrong7Marigold");
    const there = world.repository("unused", { folder: join(server.folder, name), password });
    const source = sourceIn(world);
    const attempt = async (url: string, key: { file: string }) => {
      const repository = { file: world.secret(url).file };
      world.manifest(manifestOf(source, { repository, password: key, init: true }));
      const plan = await planOf(world.holdfast);
      expect(kindsOf(plan)).toEqual([]);
      expect(plan.complete).toBe(false);
      expect((await world.holdfast("apply", "--yes")).code).toBe(3);
      return plan.unobserved[0]?.reason;
    };
    const right = { file: password.file };
    expect(await attempt(location({ user: "nas", password: wrong.text }, name), right)).toMatch(
      /access is refused.*401/,
    );
    expect(await attempt(location(account, name), { file: wrong.file })).toMatch(/the password is wrong/);
    expect(there.copies()).toEqual([]);
    await attempt(`rest:http://127.0.0.1:1/${name}/`, right).then((reason) => expect(reason).toMatch(/refused/));
  });

  test("one that is down is waited for no longer than needed, and nothing is planned against it", async ({ world }) => {
    const down = await startRestServer();
    await down.stop();
    const repository = `rest:http://127.0.0.1:${down.port}/x/`;
    world.manifest(
      manifestOf(sourceIn(world), { repository, password: { file: world.secret().file }, init: true, maxAge: "2d" }),
    );
    const began = performance.now();
    const { code, stdout } = await world.holdfast("plan");
    expect(code).toBe(3);
    // restic itself goes on for a quarter of an hour
    expect(performance.now() - began).toBeLessThan(45_000);
    expect(stdout).toMatch(/off.*cannot be reached|off.*did not answer/s);
    expect(stdout).not.toMatch(/backup|init/);
  });

  test("append-only: copies are made, and what cannot be removed is said and planned again", async ({ world }) => {
    const { holdfast } = world;
    const name = ownName();
    const there = world.repository("unused", { folder: join(appendOnly.folder, name) });
    const remote = { repository: `rest:http://127.0.0.1:${appendOnly.port}/${name}/`, password: there.entry.password };
    const source = sourceIn(world);
    world.manifest(manifestOf(source, remote));
    for (const daysAgo of [3, 2, 1.5]) there.seed(source, { daysAgo });
    const report = await reportOf(holdfast);
    expect(report.code).toBe(3);
    const failed = report.operations.filter(({ outcome }) => outcome === "failed");
    expect(failed).toHaveLength(1);
    expect(failed[0]?.error?.hint).toContain("deletions: never");
    expect(there.copies()).toHaveLength(4);
    expect(kindsOf(await planOf(holdfast))).toEqual(["forget off 2"]);
    world.manifest(manifestOf(source, { ...remote, deletions: "never" }));
    await expectDone(holdfast);
    expect(there.copies()).toHaveLength(4);
    there.expectSame(there.copies()[3]?.id ?? "", source);
  });
});

describe("other ways to a repository", () => {
  let sftp: Sftp;
  let s3: Server;
  beforeAll(async () => {
    sftp = stopping(await startSftp());
    s3 = stopping(await startS3({ id: "AKIA4NAS", key: "Quartz3Willow8" }));
  });

  test("sftp, from first to last", async ({ world }) => {
    const folder = world.path("by-sftp");
    world.program("ssh", sftp.ssh);
    await fromFirstToLast(world, { repository: `${sftp.prefix}${folder}` }, folder, world.secret());
  });

  test("S3, from first to last", async ({ world }) => {
    const name = ownName();
    const [id, key] = [world.secret("AKIA4NAS"), world.secret("Quartz3Willow8")];
    await fromFirstToLast(
      world,
      {
        repository: `s3:http://127.0.0.1:${s3.port}/fleet/${name}`,
        environment: { AWS_ACCESS_KEY_ID: { file: id.file }, AWS_SECRET_ACCESS_KEY: { file: key.file } },
      },
      join(s3.folder, "fleet", name),
      world.secret(),
    );
  });

  test("S3 with a wrong key is no absent repository", async ({ world }) => {
    const [id, key] = [world.secret("AKIA4NAS"), world.secret("Wrong3Juniper1")];
    world.manifest(
      manifestOf(sourceIn(world), {
        repository: `s3:http://127.0.0.1:${s3.port}/fleet/${ownName()}`,
        password: { file: world.secret().file },
        environment: { AWS_ACCESS_KEY_ID: { file: id.file }, AWS_SECRET_ACCESS_KEY: { file: key.file } },
        init: true,
      }),
    );
    const plan = await planOf(world.holdfast);
    expect(kindsOf(plan)).toEqual([]);
    expect(plan.unobserved).toMatchObject([{ reason: expect.stringContaining("off: access is refused") }]);
  });

  test("rclone, from first to last", async ({ world }) => {
    await fromFirstToLast(
      world,
      {
        repository: "rclone:box:repository",
        environment: { RCLONE_CONFIG_BOX_TYPE: "alias", RCLONE_CONFIG_BOX_REMOTE: world.folder },
      },
      world.path("repository"),
      world.secret(),
    );
  });
});
