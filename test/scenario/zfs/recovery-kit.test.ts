import { execFileSync, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { scriptsIn } from "../../kit-scripts.ts";
import { type Machine, test, type World } from "../harness/index.ts";
import { applied, manifestOf } from "./plans.ts";

/** Nothing where the two folders of one machine are the same. */
const differences = (machine: Machine, from: string, to: string): Promise<string> =>
  machine.sh(`rsync -ancXH --delete -i '${from}/' '${to}/'`);

/** As somebody does it who has the page, the keys, bash and ssh, and no Holdfast. */
function bash(world: World, script: string, { input = "", ...more }: { readonly [name: string]: string } = {}): string {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
    cwd: world.folder,
    env: { PATH: process.env.PATH, HOME: world.folder, ...more },
    encoding: "utf8",
    input,
  });
  expect(status, `${script}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

test("what the kit prints brings datasets back with no Holdfast: plain ones, and raw encrypted ones with their key", async ({
  world,
}) => {
  const { nas, vault, datasets, holdfast } = world;
  const { tank, backup } = datasets;
  const keyFile = `/root/${tank.replace("/", "-")}.key`;
  await nas.sh(`set -e
    zfs create -o recordsize=16K -o org.example:owner='a  b' ${tank}/data; zfs create "${tank}/data/with blank"
    (umask 077; printf 'open sesame, please' > ${keyFile})
    zfs create -o encryption=on -o keyformat=passphrase -o keylocation=file://${keyFile} -o compression=gzip ${tank}/secret
    echo typed-by-hand | zfs create -o encryption=on -o keyformat=passphrase ${tank}/typed; echo z > /${tank}/typed/file
    cd /${tank}/data; head -c 1000000 /dev/urandom > file; ln file link; ln -s nowhere soft; mkdir -p 'a b/[x]'
    printf x > "$(printf 'a b/[x]/new\\nline')"; setfattr -n user.colour -v blue file; echo y > 'with blank/below'
    cp -a /${tank}/data/file /${tank}/secret/file; chown 1234:5678 /${tank}/secret/file`);
  await world.manifest(manifestOf(world, { entry: { recursive: true } }));
  expect((await holdfast("snapshot", "a")).code).toBe(0);
  await applied(holdfast);
  expect(await vault.property(`${backup}/${tank}/secret`, "keystatus")).toBe("unavailable");
  const printed = await holdfast("recovery-kit", `nas:${tank}/*`, `nas:${tank}/data/*`);
  expect(printed.code, printed.stdout + printed.stderr).toBe(0);

  const { stdout: shown } = printed;
  expect(shown).toContain(`known only on nas`.replace("known", "Known"));
  expect(shown).toMatch(
    new RegExp(
      `key of nas:${tank}/secret\\*\\* \\(passphrase, encryption root with guid ${await nas.property(`${tank}/secret`, "guid")}\\)`,
    ),
  );
  const [, value, salt = ""] = /`([0-9a-f]{8})`, SALT `([0-9a-f]{16})`/.exec(shown) ?? [];
  const check = /```sh\n(node .*)\n/.exec(shown)?.[1] ?? "";
  const own = execFileSync(
    "bash",
    ["-c", check.replace("SALT", salt).replace("FILE", "<(printf 'open sesame, please')")],
    {
      encoding: "utf8",
    },
  );
  expect(own.trim()).toBe(value);
  for (const secret of ["open sesame", Buffer.from("open sesame, please").toString("base64")])
    expect(shown).not.toContain(secret);
  const identity = await readFile(vault.address.identityFile, "utf8");
  expect(shown).not.toContain(identity.split("\n")[2]);
  const [, fingerprint = "?"] = execFileSync("ssh-keygen", ["-lf", vault.address.identityFile], {
    encoding: "utf8",
  }).split(" ");
  expect(shown).toContain(fingerprint);

  // the newest on paper is not the newest on the day it is needed
  await nas.sh(`echo later > /${tank}/data/later`);
  expect((await holdfast("snapshot", "b")).code).toBe(0);
  await applied(holdfast);

  const scripts = scriptsIn(shown);
  const before = scripts.filter(({ place }) => place === undefined).map(({ script }) => script);
  const there = scripts.filter(({ place }) => place === "vault");
  const whole = there.filter(({ about }) => about.includes("-restored"));
  expect(whole.map(({ about }) => about)).toEqual([
    `nas:${tank}/data to nas:${tank}/data-restored`,
    `nas:${tank}/data/with blank to nas:${tank}/data-restored/with blank`,
    `nas:${tank}/secret to nas:${tank}/secret-restored`,
    `nas:${tank}/typed to nas:${tank}/typed-restored`,
  ]);
  const [list] = there;
  expect(bash(world, [...before, list?.script].join("\n"))).toContain(`${backup}/${tank}/secret`);
  const settings = bash(world, [...before, ...whole.map(({ script }) => script)].join("\n"), {
    input: "typed-by-hand\n",
  });
  expect(settings).toMatch(/compression\tgzip/);
  for (const name of ["data", "data/with blank", "secret", "typed"])
    expect(await differences(nas, `/${tank}/${name}`, `/${tank}/${name.replace(/^\w+/, "$&-restored")}`)).toBe("");
  expect(await nas.property(`${tank}/data-restored`, "recordsize")).toBe("16384");
  expect(await nas.property(`${tank}/data-restored`, "org.example:owner")).toBe("a  b");

  const single = there.find(({ about }) => about.startsWith("One file"));
  bash(world, [...before, single?.script].join("\n"), { file: "a b/[x]/new\nline", copy: `${backup}/${tank}/data` });
  expect(await readFile(`${world.folder}/recovery/restored-files/a b/[x]/new\nline`, "utf8")).toBe("x");
  expect(await vault.sh("mount | grep -c 'a-' || true")).toBe("0");

  // the machine made anew: the copies alone tell what there was
  const names = ["data", "secret", "typed"];
  await nas.sh(
    `set -e; ${names.map((name) => `zfs destroy -r ${tank}/${name} && zfs destroy -r ${tank}/${name}-restored`).join("; ")}`,
  );
  const late = scriptsIn((await holdfast("recovery-kit", `nas:${tank}/*`, `nas:${tank}/data/*`)).stdout);
  const start = late.filter(({ place }) => place === undefined).map(({ script }) => script);
  const typed = { secret: "open sesame, please\n", typed: "typed-by-hand\n" };
  for (const { about, script } of late.filter((one) => one.about.includes("-restored"))) {
    const name = /\/(secret|typed) to/.exec(about)?.[1] as keyof typeof typed | undefined;
    expect(script).toContain(name === undefined ? "-c -b " : "-c -w ");
    bash(world, [...start, script].join("\n"), name && { input: typed[name] });
  }
  expect(await nas.sh(`cat /${tank}/data-restored/later /${tank}/typed-restored/file`)).toBe("later\nz");
  await nas.sh(`rm ${keyFile}; cmp /${tank}/data-restored/file /${tank}/secret-restored/file`);
});
