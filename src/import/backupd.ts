import { parse, TomlError } from "smol-toml";
import type { Keep, KeepRule, ManifestDocument } from "../manifest/generated/types.ts";
import { datasetFault } from "../manifest/names.ts";
import type { Remark } from "../model/import.ts";
import { poolOf } from "../model/units.ts";
import { type Draft, type Given, type Machine, NothingToImport } from "./draft.ts";
import { machineFault, nameFrom, parentOf } from "./names.ts";

/** Types that Holdfast takes without being asked. */
const SCHEDULED = new Set(["hourly", "daily", "weekly", "monthly", "yearly"]);
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "": ["snitch_id", "local", "remote"],
  local: ["root", "policy"],
  remote: ["ssh_key", "ssh_host", "root", "policy"],
};

/** What a backupd.toml makes of a machine. */
export function importBackupd({ name, text }: Given, machine: Machine): Draft {
  const file = new TomlFile(name, text);
  const root = file.text("local", "root");
  if (root === undefined || datasetFault(root) !== undefined)
    throw new NothingToImport(
      `there is nothing to take over in ${name}: [local] has no root that is a dataset`,
      "backupd's file is /etc/backupd.toml",
    );
  const remote = file.text("remote", "root");
  const fault = remote === undefined ? undefined : datasetFault(remote);
  if (fault !== undefined) file.remark("remote", "root", `the remote is left out: ${remote} ${fault}`);
  const copies = fault === undefined ? remote : undefined;
  const there = copies === undefined ? {} : file.policy("remote");
  const here = file.policy("local");
  // what only the remote keeps has to come from somewhere: one stays here
  const keep: Keep = {
    ...here,
    ...Object.fromEntries(Object.keys(there).flatMap((type) => (type in here ? [] : [[type, 1]]))),
  };
  if (Object.keys(keep).length === 0)
    throw new NothingToImport(
      `there is nothing to take over in ${name}: no policy keeps anything`,
      "a policy is `daily = 7` below [local.policy]",
    );
  const custom = Object.keys(keep).filter((type) => !SCHEDULED.has(type));
  const taken = Object.keys(keep).filter((type) => SCHEDULED.has(type));
  if (taken.length > 0)
    file.remark(
      "local.policy",
      undefined,
      `backupd takes a snapshot whenever it is asked to; Holdfast takes ${taken.join(", ")} by itself: the cron lines that ask for them can go`,
      ["datasets", root],
    );
  if (custom.length > 0)
    file.remark(
      "local.policy",
      undefined,
      `${custom.join(", ")} has no schedule here: \`holdfast snapshot TYPE\` takes one, or give it a \`schedule\``,
      ["datasets", root],
    );
  if (file.text("", "snitch_id") !== undefined)
    file.remark(
      "",
      "snitch_id",
      "it is a secret, and not taken over: `heartbeats: [{ type: deadmanssnitch, url: { file: … } }]`",
    );
  const host = copies === undefined ? undefined : file.host();
  const remoteName = nameFrom(host?.name ?? poolOf(copies ?? ""), "copies");
  const isBelowRoot = copies?.endsWith(`/${root}`) === true;
  const document: ManifestDocument = {
    version: 1,
    timezone: machine.timezone,
    ...(custom.length > 0 && { snapshotTypes: Object.fromEntries(custom.map((type) => [type, {}])) }),
    ...(host && { hosts: { [machine.name]: {}, [host.name]: host.keys } }),
    ...(copies !== undefined && {
      remotes: {
        [remoteName]: {
          type: "zfs",
          ...(host && { host: host.name }),
          root: isBelowRoot ? copies.slice(0, -root.length - 1) : (parentOf(copies) ?? `${copies}/copies`),
        },
      },
    }),
    datasets: {
      [host ? `${machine.name}:${root}` : root]: {
        recursive: true,
        keep,
        pin: ["oldest", "oldestShared"],
        ...(copies !== undefined && {
          remotes: {
            [remoteName]: {
              ...(!isBelowRoot && { target: copies }),
              ...(Object.keys(there).length > 0 && { keep: there }),
            },
          },
        }),
      },
    },
  };
  const prefix = host ? `${machine.name}:` : "";
  return {
    document,
    remarks: file.remarks.map((remark) => ({
      ...remark,
      ...(remark.at && { at: ["datasets", `${prefix}${remark.at[1]}`] }),
    })),
  };
}

/** What a TOML file says, with remarks about what in it is not understood. */
class TomlFile {
  readonly remarks: Remark[] = [];
  readonly #name: string;
  readonly #lines: readonly string[];
  readonly #data: Readonly<Record<string, unknown>>;

  constructor(name: string, text: string) {
    this.#name = name;
    this.#lines = text.split(/\r?\n/);
    try {
      this.#data = parse(text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const [reason = ""] = error.message.split("\n");
      throw new NothingToImport(`${name}:${error.line}: ${reason}`, "backupd's file is /etc/backupd.toml");
    }
    for (const [table, keys] of Object.entries(KNOWN))
      for (const key of Object.keys(this.#table(table)))
        if (!keys.includes(key)) this.remark(table, key, `${key} is no setting of backupd, and was left out`);
  }

  /** `key` absent: about the table itself. */
  remark(table: string, key: string | undefined, message: string, at?: readonly string[]): void {
    this.remarks.push({ file: this.#name, line: this.#lineOf(table, key), message, ...(at && { at }) });
  }

  #table(path: string): Readonly<Record<string, unknown>> {
    let table: unknown = this.#data;
    for (const step of path === "" ? [] : path.split("."))
      table = (table as Readonly<Record<string, unknown>> | undefined)?.[step];
    return typeof table === "object" && table !== null ? (table as Readonly<Record<string, unknown>>) : {};
  }

  /** The nearest that can be told: the key's line, or that of the table it is in. */
  #lineOf(table: string, key: string | undefined): number {
    const head =
      table === "" ? 0 : this.#lines.findIndex((line) => line.replaceAll(/[\s"']/g, "").startsWith(`[${table}]`));
    if (key === undefined) return Math.max(head, 0) + 1;
    const at = this.#lines.findIndex(
      (line, index) => index >= head && line.trim().replace(/^["']/, "").startsWith(key),
    );
    return Math.max(at, head, 0) + 1;
  }

  text(table: string, key: string): string | undefined {
    const value = this.#table(table)[key];
    if (typeof value === "string") return value === "" ? undefined : value;
    if (value !== undefined) this.remark(table, key, `${key} is no text, and was left out`);
    return undefined;
  }

  /** Types of which some are kept. What is kept 0 times is left alone here: backupd destroys it. */
  policy(side: "local" | "remote"): Keep {
    const table = `${side}.policy`;
    return Object.fromEntries(
      Object.entries(this.#table(table)).flatMap(([type, count]): [string, KeepRule][] => {
        if (count === 0) return [];
        if (!/^[A-Za-z0-9][\w.:]{0,99}$/.test(type)) {
          this.remark(
            table,
            type,
            `${JSON.stringify(type)} can be no snapshot type, and was left out: its snapshots are left alone`,
          );
          return [];
        }
        if (typeof count === "number" && Number.isInteger(count) && count > 0 && count <= 1_000_000)
          return [[type, count]];
        this.remark(table, type, `how many ${type} are kept is not understood: all of them are`);
        return [[type, "all"]];
      }),
    );
  }

  host() {
    const text = this.text("remote", "ssh_host");
    const [, user = "root", address] = /^(?:([^@]+)@)?([\w.:-]+)$/.exec(text ?? "") ?? [];
    if (address === undefined || machineFault(address, user) !== undefined) {
      this.remark("remote", "ssh_host", "it names no machine, so the copies are taken to be on this one");
      return undefined;
    }
    const key = this.text("remote", "ssh_key");
    return {
      name: nameFrom(address.split(".")[0] ?? "", "remote"),
      keys: {
        address,
        user,
        ...(key !== undefined && { identity: { file: key } }),
        knownHostsFile: "~/.ssh/known_hosts",
      },
    };
  }
}
