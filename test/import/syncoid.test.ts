import { describe, expect, test } from "vitest";
import { importConfiguration } from "../../src/import/index.ts";
import { machine, outcome, plain } from "./helpers.ts";

const syncoid = (text: string) => outcome(importConfiguration("syncoid", { name: "crontab", text }, machine));

describe("one call", () => {
  const calls: readonly (readonly [what: string, line: string])[] = [
    ["to a second pool", "@daily syncoid tank/data usb/backups/tank/data"],
    ["to a whole pool", "0 * * * * syncoid -r tank usb"],
    ["from another machine", "0 * * * * root syncoid -r --no-sync-snap root@web.example.net:tank/www tank/copies/www"],
    ["from one machine to another", "0 4 * * * syncoid a@one:tank/x b@two:pool/x --no-privilege-elevation"],
    ["in a script", '#!/bin/sh\nPOOL=tank\nsyncoid --recursive --keep-sync-snap "$POOL/data" root@vault:pool/data'],
    [
      "properties",
      "syncoid --recvoptions='ux mountpoint o compression=lz4' --sendoptions=w tank/a usb/a --no-sync-snap",
    ],
    ["exclusions", "syncoid -r tank/a usb/a --exclude-datasets=/scratch$ --exclude-datasets=docker"],
  ];
  test.each(calls)("%s", (_, line) => {
    const { text, remarks } = syncoid(line);
    expect({ text: plain(text), remarks }).toMatchSnapshot();
  });
});

test("two targets of one dataset are two remotes, at one host too", () => {
  const { manifest } = syncoid(
    "0 1 * * * syncoid -r tank/a root@vault:one/a\n0 2 * * * syncoid -r tank/a root@vault:one/b\n0 3 * * * syncoid tank/a usb/a\n",
  );
  const remotes = manifest.datasets.flatMap(({ keys }) => [...(keys.remotes?.entries() ?? [])]);
  expect(remotes.map(([name, keys]) => [name, keys.target])).toEqual([
    ["vault", "one/a"],
    ["vault-2", "one/b"],
    ["usb", "usb/a"],
  ]);
});

test("what is not taken over is named with its line", () => {
  const { remarks } = syncoid(`# syncoid in a comment
0 1 * * * syncoid --compress=lzo --no-stream --frobnicate tank/a usb/a
0 2 * * * for x in a b; do syncoid tank/$x usb/$x; done
0 3 * * * syncoid tank/a
0 4 * * * syncoid -r --exclude-datasets='(a|b)+' tank/b "usb/b" ; echo done
0 5 * * * syncoid tank/c tank/c/copy
0 6 * * * syncoid --source-bwlimit=fast tank/d $(hostname):x
`);
  expect(remarks).toMatchInlineSnapshot(`
    [
      "crontab:2: --frobnicate is no option of syncoid, and was left out",
      "crontab:2: --no-stream is not taken over: the snapshots in between are copied, too",
      "crontab:2: --compress=lzo is not taken over: only zstd is to be had (\`compress: zstd\` of the remote)",
      "crontab:3: this call of syncoid is left out: $x is known only when it runs",
      "crontab:4: this call of syncoid is left out: it takes a source and a target, and has 1 of them",
      "crontab:6: this call of syncoid is left out: its target lies in its source",
      "crontab:7: this call of syncoid is left out: what another command prints is known only when it runs",
      "crontab:2: how many copies stay there is not said here, so all do: write \`keep\` in the place of \`deletions: never\`",
      "crontab:5: --exclude-datasets=(a|b)+ is not taken over: what it means is copied, too, until an entry for it says \`remotes: {}\`",
      "crontab:2: without \`w\` in --sendoptions syncoid sends what is encrypted as plaintext, and so does \`raw: never\`: leave it out where no copy is there yet",
    ]
  `);
});
