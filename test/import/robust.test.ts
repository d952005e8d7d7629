import fc from "fast-check";
import { test } from "vitest";
import { FORMATS, type Format } from "../../src/import/formats.ts";
import { importConfiguration, NothingToImport } from "../../src/import/index.ts";
import { randomCases } from "../random.ts";
import { machine, outcome } from "./helpers.ts";

const SAMPLES: Readonly<Record<Format, string>> = {
  sanoid:
    "[tank]\nuse_template = a\nrecursive = yes\ndaily = 7\n[tank/b]\nautosnap = no\nhourly_min = 5\n[template_a]\nweekly = 3\nyearly = 2\nfrequently = 4\n",
  syncoid:
    "X=tank\n15 * * * * root syncoid -r --sshkey k --sshport 22 --sendoptions=w $X/a bob@h.example:pool/a\nsyncoid tank usb/tank --compress zstd\n",
  zrepl:
    'jobs:\n- type: push\n  name: p\n  filesystems: { "t<": true, "t/a": false }\n  connect: { type: ssh+stdinserver, host: h, user: u, port: 22, identity_file: /k }\n  send: { encrypted: true }\n  snapshotting: { type: periodic, interval: 10m, prefix: zrepl_ }\n  pruning:\n    keep_sender: [{ type: not_replicated }, { type: last_n, count: 3 }]\n    keep_receiver: [{ type: grid, grid: 1x1h(keep=all) | 24x1h, regex: "^zrepl_" }]\n- { type: sink, name: s, root_fs: p/sink, serve: { type: local, listener_name: l } }\n',
  backupd:
    'snitch_id = "x"\n[local]\nroot = "tank"\n[local.policy]\ndaily = 3\nother = 2\n[remote]\nssh_key = "/k"\nssh_host = "u@h"\nroot = "p/b"\n[remote.policy]\nweekly = 4\n',
};
const PIECES = [
  "",
  " ",
  "=",
  "[",
  "]",
  "{",
  "}",
  ":",
  "<",
  "/",
  "@",
  "\n",
  "\\",
  '"',
  "'",
  "$",
  "0",
  "-1",
  "9999999999",
  "yes",
  "null",
  "*",
  "&a",
  "#",
  "\u001b",
  "..",
  "tank",
  "h:",
];

/** A few places of a sample, each with something else in it. */
const spoilt = (format: Format) =>
  fc
    .array(fc.tuple(fc.nat(SAMPLES[format].length), fc.nat(12), fc.constantFrom(...PIECES)), { maxLength: 4 })
    .map((edits) =>
      edits.reduce(
        (text, [at, length, piece]) => `${text.slice(0, at)}${piece}${text.slice(at + length)}`,
        SAMPLES[format],
      ),
    );

test.each(FORMATS)(
  "whatever is in a file of %s: a valid manifest, or a word that there is nothing to take over",
  (format) => {
    fc.assert(
      fc.property(spoilt(format), (text) => {
        try {
          outcome(importConfiguration(format, { name: "f", text }, machine));
        } catch (error) {
          if (!(error instanceof NothingToImport)) throw error;
        }
      }),
      randomCases(0.1, `import ${format}`),
    );
  },
);
