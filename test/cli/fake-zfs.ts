import { chmodSync, mkdirSync } from "node:fs";
import { delimiter } from "node:path";
import { COLUMNS } from "../../src/inventory/listing.ts";
import type { useHoldfast } from "./harness.ts";

type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>;

/** 2026-11-30T00:00:00Z. */
const MIDNIGHT = Date.UTC(2026, 10, 30) / 1000;

const USUAL: Row = {
  type: "filesystem",
  createtxg: "1",
  creation: `${MIDNIGHT}`,
  used: "1000",
  referenced: "1000",
  written: "0",
  encryption: "off",
  redacted: "0",
};
const OF_DATASET: Row = { mounted: "yes", available: "1000000000" };

const row = (name: string, index: number, given: Row): string => {
  const usual = name.includes("@")
    ? { ...USUAL, type: "snapshot", userrefs: "0", clones: "" }
    : { ...USUAL, ...OF_DATASET };
  const values: Row = { ...usual, guid: `${index + 1}`, name, ...given };
  return COLUMNS.map((column) => values[column] ?? "-").join("\t");
};

/**
 * A machine whose `zfs` lists these and does nothing else, for whoever is run with `env`; `failing`: all that it says when
 * it is to list them.
 */
export function fakeZfs(
  { path, write }: Pick<ReturnType<typeof useHoldfast>, "path" | "write">,
  rows: Readonly<Record<string, Row>>,
  { failing }: { readonly failing?: string } = {},
) {
  const bin = failing === undefined ? "bin" : "bin-failing";
  const list = Object.entries(rows).map(([name, given], index) => `${row(name, index, given)}\n`);
  const listing = write(`${bin}/listing`, list.join(""));
  const pools = [...new Set(Object.keys(rows).map((name) => name.split("/")[0]))];
  const program = (name: string, script: string): void =>
    chmodSync(write(`${bin}/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
  mkdirSync(path(bin), { recursive: true });
  program("zpool", `case $1 in get) ${pools.map((pool) => `printf '${pool}\\tguid\\t1\\n'`).join(";")} ;; esac`);
  program(
    "zfs",
    `case $1 in
version) printf 'zfs-2.3.2-1\\nzfs-kmod-2.3.2-1\\n' ;;
list) ${failing === undefined ? "" : `echo '${failing}' >&2; exit 1`}
  well=true
  for each do
    case $each in */*) cut -f 1 '${listing}' | grep -qxF -- "$each" || { well=false; echo "cannot open '$each': dataset does not exist" >&2; } ;; esac
  done
  case " $* " in
  *" -d 0 "*) for each do awk -F '\\t' -v name="$each" '$1 == name' '${listing}'; done ;;
  *) cat '${listing}' ;;
  esac
  $well ;;
esac`,
  );
  // snapshots are looked at where ZFS shows them, and not mounted
  program("unshare", "exit 1");
  return { env: { PATH: [path(bin), process.env.PATH].join(delimiter) } };
}
