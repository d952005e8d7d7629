import { existsSync } from "node:fs";
import { execaSync } from "execa";
import { afterAll, describe, expect, test } from "vitest";
import { SHELLS } from "../../../src/cli/completion/scripts.ts";
import { useHoldfast } from "../../cli/harness.ts";
import { useShell } from "./shells.ts";

const holdfast = useHoldfast();
const trap = holdfast.path("trap");
holdfast.write(
  "holdfast.yaml",
  `version: 1
hosts: { nas: {}, web: { address: web.example.net } }
remotes:
  vault: { type: zfs, root: backup }
  b2: { type: restic, repository: /nowhere, password: { command: [touch, ${trap}] } }
mirrors: { wasabi: { of: b2 } }
snapshotTypes: { before-upgrade: {} }
datasets: { "nas:tank/data": {}, "nas:tank/my files": {}, "web:pool": {}, "nas:tank/vm/*": {} }
directories:
  "/srv/it's": {}
  '/srv/$(touch ${trap})': {}
  '/srv/\`touch ${trap}\`': {}
  '/srv/"quoted"': {}
`,
);
holdfast.write("tonight plan.json", "{}");

holdfast.write("broken.yaml", "version: 1\nremotes: { disk: { type: zfs, rot: x } }\ndatasets: { tank: [ }\n");
execaSync("mkfifo", [holdfast.path("pipe")]);
const SOURCES = [
  ...["nas:tank/data", "nas:tank/my files", "web:pool", "nas:tank/vm/*"],
  ...["/srv/it's", '/srv/"quoted"', `/srv/$(touch ${trap})`, `/srv/\`touch ${trap}\``],
];

describe.each(SHELLS)("%s", (shell) => {
  let made: ReturnType<typeof useShell> | undefined;
  const start = () => {
    made ??= useShell(shell, holdfast.program, holdfast.folder);
    return made;
  };
  afterAll(() => made?.remove());

  test.each([
    ["a command", "holdfast rec", "holdfast recovery-kit "],
    ["a command of a command", "holdfast notify te", "holdfast notify test "],
    ["an option", "holdfast plan --detailed", "holdfast plan --detailed-exitcode "],
    ["a global option after others", "holdfast plan -v --conc", "holdfast plan -v --concurrency "],
    ["a choice", "holdfast --log-level de", "holdfast --log-level debug "],
    ["a choice after =", "holdfast --log-level=de", "holdfast --log-level=debug "],
    ["a remote", "holdfast explain --on va", "holdfast explain --on vault "],
    ["a mirror, after =", "holdfast restore --from=wa", "holdfast restore --from=wasabi "],
    ["a remedy", "holdfast apply --resolve vault=rol", "holdfast apply --resolve vault=rollback "],
    ["a type", "holdfast snapshot bef", "holdfast snapshot before-upgrade "],
    ["a host", "holdfast --as we", "holdfast --as web "],
    ["a source with a colon", "holdfast list web:po", "holdfast list web:pool "],
    ["the part before the colon", "holdfast list we", "holdfast list web:pool "],
    [
      "a source after another",
      "holdfast snapshot daily web:pool nas:tank/d",
      "holdfast snapshot daily web:pool nas:tank/data ",
    ],
    ["a file with a space", "holdfast apply tonight", "holdfast apply tonight\\ plan.json "],
    ["a manifest", "holdfast -f holdf", "holdfast -f holdfast.yaml "],
  ])("completes %s", async (_, line, expected) => {
    expect(await start().tab(line)).toBe(expected);
  });

  test.each([
    ["a space", "nas:tank/my", "nas:tank/my files"],
    ["a space, half typed", "nas:tank/my\\ f", "nas:tank/my files"],
    ["a space, in quotes", "'nas:tank/my", "nas:tank/my files"],
    ["a space, in double quotes", '"nas:tank/my f', "nas:tank/my files"],
    ["a quote", "/srv/it", "/srv/it's"],
    ["double quotes", '/srv/\\"', '/srv/"quoted"'],
    ["a command", "/srv/\\$", `/srv/$(touch ${trap})`],
    ["a command, in quotes", "'/srv/$", `/srv/$(touch ${trap})`],
    ["a command, in double quotes", '"/srv/\\$', `/srv/$(touch ${trap})`],
    ["a pattern", "nas:tank/v", "nas:tank/vm/*"],
  ])("a name with %s is one word that means it", async (_, typed, name) => {
    const line = await start().tab(`holdfast list ${typed}`);
    expect(await start().words(line.replace("holdfast list ", ""))).toEqual([name]);
  });

  test.each([
    ["holdfast list ", SOURCES],
    ["holdfast explain ", SOURCES.filter((name) => !name.includes("*"))],
    ["holdfast find --type ", ["file", "folder", "link"]],
    ["holdfast ls nas:tank/data --on ", ["vault", "b2", "wasabi", "source"]],
    ["holdfast --as ", ["nas", "web", "none"]],
    ["holdfast snapshot ", ["hourly", "daily", "weekly", "monthly", "yearly", "before-upgrade"]],
    ["holdfast -f broken.yaml restore --from ", ["disk", "source"]],
    ["holdfast -f missing.yaml restore --from ", ["source"]],
    ["holdfast -f pipe restore --from ", ["source"]],
  ])("%s: all that may come next, and nothing else", async (line, names) => {
    const words = await start().words(await start().offers(line));
    expect(words.toSorted()).toEqual(names.toSorted());
  });

  test("where nothing can come next, nothing is said", async () => {
    for (const line of ["holdfast ls nas:tank/data --at ", "holdfast nonsense ", "holdfast $(touch trap) "])
      expect(await start().tab(line)).toBe(line);
  });
});

test("no password command ran, and nothing that a name says", () => {
  expect(existsSync(trap)).toBe(false);
});
