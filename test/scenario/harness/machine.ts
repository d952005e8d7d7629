import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { execa } from "execa";
import type { Link } from "./link.ts";

/** The machines of a run: the newest OpenZFS that is built, and the oldest that is supported. */
export const machines = [
  { name: "nas", version: "2.3", pools: ["tank", "usb"] },
  { name: "vault", version: "2.1", pools: ["backup"] },
] as const satisfies readonly { name: string; version: string; pools: readonly string[] }[];

/** Each worker has machines of its own; an emulated one keeps about one processor busy. */
export const sets = process.env.HOLDFAST_ZFS_VM_KEEP === undefined ? Math.min(2, availableParallelism()) : 1;

export type MachineName = (typeof machines)[number]["name"];

/** How to reach one running machine. */
export interface MachineAddress {
  readonly name: MachineName;
  readonly version: string;
  readonly pools: readonly string[];
  /** Of its sshd, forwarded from 127.0.0.1 here; other machines reach it as 10.0.2.2. */
  readonly port: number;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** A private key, on this machine, that lets root and the unprivileged user `backup` in. */
  readonly identityFile: string;
  readonly knownHostsFile: string;
  readonly sshConfig: string;
}

/** The result of a program that may fail. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program: its standard output and error as they come, and what it ends with. */
export interface Child
  extends PromiseLike<{
    exitCode?: number | undefined;
    signal?: string | undefined;
    originalMessage?: string | undefined;
    stdout: string;
    stderr: string;
  }> {
  readonly all: Readable;
}

interface ShellOptions {
  /** Standard input; default: empty. */
  readonly input?: string | Uint8Array;
  readonly user?: "root" | "backup";
}

export interface SnapshotRow {
  readonly name: string;
  readonly guid: string;
}

/** Where a machine keeps the identity with which it reaches the others. */
export const identityInside = "/root/.ssh/id";

/** Where QEMU's user network puts the machine that runs the tests. */
const hostFromInside = "10.0.2.2";

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const writing = (dataset: string, mebibytes: number): string =>
  `head -c ${Math.round(mebibytes * 2 ** 20)} /dev/urandom > "$(zfs get -H -o value mountpoint ${quote(dataset)})/$(cat /proc/sys/kernel/random/uuid)"`;

/** One running machine, by way of one shared SSH connection. */
export class Machine {
  readonly address: MachineAddress;

  constructor(address: MachineAddress) {
    this.address = address;
  }

  get name(): MachineName {
    return this.address.name;
  }

  /** What `ssh` needs before a command; all commands of a user share a connection. */
  sshArguments(user: "root" | "backup" = "root"): string[] {
    const { sshConfig } = this.address;
    const shared = ["ControlMaster=auto", "ControlPersist=60", `ControlPath=${dirname(sshConfig)}/%r.sock`];
    return ["-F", sshConfig, ...shared.flatMap((option) => ["-o", option]), "-l", user, this.name];
  }

  /** Starts a shell command, as root unless told otherwise; its result may be a failure. */
  start(command: string, { input = "", user = "root" }: ShellOptions = {}): Child {
    return execa("ssh", [...this.sshArguments(user), command], {
      input,
      reject: false,
      all: true,
      stripFinalNewline: false,
    });
  }

  /** Runs a shell command and returns its standard output without the last newline; a failing one throws with what it said. */
  async sh(command: string, options: ShellOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.start(command, options);
    if (exitCode !== 0) throw new Error(`${this.name}: ${command}\nexit ${exitCode}: ${stderr}${stdout}`);
    return stdout.replace(/\n$/, "");
  }

  /** Runs one program with these very arguments, quoted. */
  run(...words: string[]): Promise<string> {
    return this.sh(words.map(quote).join(" "));
  }

  /** The snapshots of one dataset, oldest first, each with its guid. */
  async snapshots(dataset: string): Promise<SnapshotRow[]> {
    const rows = await this.#list("snapshot", "name,guid", dataset);
    return rows.map((row) => {
      const [name = "", guid = ""] = row.split("\t");
      return { name: name.slice(name.indexOf("@") + 1), guid };
    });
  }

  /** The names of the bookmarks of one dataset, without the dataset. */
  async bookmarks(dataset: string): Promise<string[]> {
    const rows = await this.#list("bookmark", "name", dataset);
    return rows.map((row) => row.slice(row.indexOf("#") + 1));
  }

  async #list(type: string, columns: string, dataset: string): Promise<string[]> {
    const rows = await this.run("zfs", "list", "-Hp", "-d1", "-t", type, "-o", columns, "-s", "createtxg", dataset);
    return rows.split("\n").filter((row) => row !== "");
  }

  /** One property of one dataset or snapshot, as `zfs get -p` prints it. */
  property(dataset: string, property: string): Promise<string> {
    return this.run("zfs", "get", "-Hp", "-o", "value", property, dataset);
  }

  async exists(dataset: string): Promise<boolean> {
    return (await this.start(`zfs list -H ${quote(dataset)}`)).exitCode === 0;
  }

  /** Writes a new file of random, hence incompressible, bytes into a mounted dataset. */
  async writeData(dataset: string, mebibytes: number): Promise<void> {
    await this.sh(writing(dataset, mebibytes));
  }

  /** Takes snapshots one after the other; so much is written before each. */
  async snapshot(dataset: string, names: readonly string[], mebibytes = 0): Promise<void> {
    const take = (name: string): string => `zfs snapshot ${quote(`${dataset}@${name}`)}`;
    const before = mebibytes === 0 ? [] : [writing(dataset, mebibytes)];
    await this.sh(names.flatMap((name) => [...before, take(name)]).join(" && "));
  }

  /** One checksum over the names and contents of a snapshot's files, or of what a dataset holds now. */
  async checksum(name: string): Promise<string> {
    const [dataset = "", snapshot] = name.split("@");
    const mountpoint = await this.property(dataset, "mountpoint");
    const folder = snapshot === undefined ? mountpoint : `${mountpoint}/.zfs/snapshot/${snapshot}`;
    return this.sh(`cd ${quote(folder)} && find . -type f -exec sha256sum {} + | sort | sha256sum`);
  }

  /** Pulls the plug, as far as the machine can tell, and waits until it is up again: what was not yet on disk is lost. */
  async reboot(): Promise<void> {
    const { sshConfig } = this.address;
    const fresh = ["-F", sshConfig, "-o", "ConnectTimeout=5", "-o", "ServerAliveInterval=2", this.name];
    const uptime = async () => {
      const { stdout } = await execa("ssh", [...fresh, "cat", "/proc/uptime"], { reject: false });
      return Number(stdout.split(" ")[0] || Number.POSITIVE_INFINITY);
    };
    const before = Number((await this.sh("cat /proc/uptime")).split(" ")[0]);
    void this.start("echo b > /proc/sysrq-trigger"); // nothing answers this
    for (let attempt = 0; (await uptime()) >= before; attempt++) {
      if (attempt === 300) throw new Error(`${this.name} did not come up again`);
      await pause(500); // while it boots it refuses at once
    }
    for (const user of ["root", "backup"] as const) {
      await execa("ssh", [...this.sshArguments(user), "-O", "exit"], { reject: false });
    }
  }

  /** Writes a file, with the folders above it. */
  async put(path: string, content: string | Uint8Array, mode = "600"): Promise<void> {
    await this.sh(`mkdir -p ${quote(dirname(path))} && cat > ${quote(path)} && chmod ${mode} ${quote(path)}`, {
      input: content,
    });
  }

  /** Destroys datasets with all that hangs on them, held or cloned; absent is fine. */
  async destroy(...datasets: string[]): Promise<void> {
    await this.sh(
      [
        "destroy() {",
        '  zfs destroy -fR "$1" 2> /tmp/destroy.log || ! zfs list -H "$1" > /dev/null 2>&1',
        "}",
        "release() {",
        '  zfs list -H -t snapshot -o userrefs,name -r "$1" | while IFS="$(printf \'\\t\')" read -r count snapshot; do',
        '    [ "$count" = 0 ] || zfs holds -H "$snapshot" | cut -f2 | while read -r tag; do zfs release "$tag" "$snapshot"; done',
        "  done",
        "}",
        `for dataset in ${datasets.map(quote).join(" ")}; do`,
        // What was cut may still be letting go of the dataset: its sshd notices within a moment.
        "  for attempt in 1 2 3 4 5 6 7 8 9 10; do",
        '    destroy "$dataset" && continue 2',
        '    release "$dataset"; sleep 0.5',
        "  done",
        "  cat /tmp/destroy.log >&2; exit 1",
        "done",
      ].join("\n"),
    );
  }

  /**
   * This machine as an entry of a manifest's `hosts`, as somebody reaches it who runs on `from`.
   * `via` puts a link between the two.
   */
  hostEntry(
    from: "controller" | MachineName,
    via?: Link,
  ): { address: string; port: number; user: string; identity: { file: string }; hostKeys: string[] } {
    const inside = from !== "controller";
    return {
      address: inside ? hostFromInside : "127.0.0.1",
      port: via?.port ?? this.address.port,
      user: "root",
      identity: { file: inside ? identityInside : this.address.identityFile },
      hostKeys: [this.address.hostKey],
    };
  }
}
