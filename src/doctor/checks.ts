import type { Check } from "../model/diagnosis.ts";
import type { Host } from "../model/manifest.ts";
import { type HostName, poolOf } from "../model/units.ts";
import { quote } from "../transport/shell.ts";
import type { Hosts } from "../transport/types.ts";
import { good, problem, TIMEOUT_MS, warning } from "./check.ts";
import type { Patient } from "./index.ts";
import { trapsIn } from "./mounts.ts";

/** A command that takes longer than this is mostly the login shell's start-up files, or a long way. */
const SLOW_MS = 400;
/** Seconds: a command and a whole second of `date` are no difference. */
const CLOCK_TOLERANCE = 5;
const CLOCK_WRONG = 300;
/** Percent. ZFS slows down, and then snapshots cannot be destroyed any more. */
const FULL = 90;
const ALMOST_FULL = 80;

export async function checkReach(name: HostName, hosts: Hosts, signal: AbortSignal): Promise<Check> {
  const options = { signal, timeoutMs: TIMEOUT_MS };
  await hosts.run(name, ["true"], options); // may have to connect first
  const start = performance.now();
  await hosts.run(name, ["true"], options);
  const took = Math.round(performance.now() - start);
  const message = `a command takes ${took} ms`;
  if (took < SLOW_MS) return good("reach", message);
  return warning(
    "reach",
    message,
    "see whether the account's shell start-up files (.bashrc, /etc/profile) take that long",
  );
}

/** A connection is only made with a key that is known: what is left to say is where from. */
export function checkHostKey(host: Host): Check[] {
  if (host.local) return [];
  const listed = `hosts.${host.name}.hostKeys`;
  if (host.hostKeys.length > 0) return [good("host-key", `it has one of ${listed}`)];
  const label = host.port === 22 ? host.address : `[${host.address}]:${host.port}`;
  const file = host.knownHostsFile;
  const lookUp = `ssh-keygen -F ${quote(label)}${file === undefined ? "" : ` -f ${quote(file)}`}`;
  return [
    good("host-key", `it is known from ${file ?? "known_hosts"}`, [
      `to have it reviewed with the manifest, put into ${listed}, without the name, what this prints: ${lookUp}`,
    ]),
  ];
}

export async function checkClock(name: HostName, hosts: Hosts, signal: AbortSignal): Promise<Check> {
  const before = Date.now() / 1000;
  const { stdout } = await hosts.run(name, ["date", "+%s"], { signal, timeoutMs: TIMEOUT_MS });
  const after = Date.now() / 1000;
  const there = Number(stdout.trim());
  if (!/^\d+$/.test(stdout.trim())) return problem("clock", `date says ${JSON.stringify(stdout.trim())}`);
  const ahead = there > after ? there - after : there + 1 < before ? there + 1 - before : 0;
  const seconds = Math.round(Math.abs(ahead));
  if (seconds <= CLOCK_TOLERANCE) return good("clock", "the same as here");
  const message = `${seconds} s ${ahead > 0 ? "ahead of" : "behind"} the clock here`;
  const advice = "let NTP set both: snapshots are named and thinned by these clocks";
  return seconds < CLOCK_WRONG ? warning("clock", message, advice) : problem("clock", message, advice);
}

/** `2.1`, of `2.1.11-1+deb12u1`. */
const release = (version: string): string => version.split(".").slice(0, 2).join(".");

export function checkZfs({ found }: Patient): Check {
  const { zfsVersion, kernelVersion: kernel } = found;
  if (kernel === undefined) return warning("zfs", `OpenZFS ${zfsVersion}; its kernel module's version is unknown`);
  if (release(kernel) !== release(zfsVersion)) {
    return warning(
      "zfs",
      `the tools are ${zfsVersion}, the kernel has ${kernel}`,
      "reboot, or install the two together",
    );
  }
  const [major = 0, minor = 0] = zfsVersion.split(".").map(Number);
  if (major < 2 || (major === 2 && minor < 1))
    return problem("zfs", `OpenZFS ${zfsVersion} is older than 2.1`, "upgrade it");
  return good("zfs", `OpenZFS ${zfsVersion}`);
}

/** Pools of this host that the manifest speaks of. */
function poolsOf({ name, sources, found }: Patient): string[] {
  const datasets = sources.flatMap(({ host, dataset, copies }) => [
    ...(host === name ? [dataset] : []),
    ...copies.flatMap((copy) => (copy.host === name ? [copy.target] : [])),
  ]);
  const pools = new Set(datasets.map(poolOf));
  return [...pools].filter((pool) => found.pools.includes(pool)).sort();
}

export async function checkPools(patient: Patient): Promise<Check[]> {
  const { name, hosts, signal } = patient;
  const pools = poolsOf(patient);
  if (pools.length === 0) return [];
  const { stdout } = await hosts.run(name, ["zpool", "list", "-Hp", "-o", "name,capacity,health", ...pools], {
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [pool = "", capacity = "", health = ""] = line.split("\t");
      const used = Number(capacity.replace("%", ""));
      const message = `${pool} is ${health}, ${used} % full`;
      if (health !== "ONLINE") return problem("pool", message, `zpool status ${pool}`);
      if (used >= FULL) return problem("pool", message, "free space: a full pool can be impossible to free again");
      if (used >= ALMOST_FULL) return warning("pool", message, "plan for space");
      return good("pool", message);
    });
}

export async function checkMounts({ name, hosts, signal, sources, found }: Patient): Promise<Check[]> {
  const there = new Set<string>(found.datasets.flatMap(({ name, type }) => (type === "filesystem" ? [name] : [])));
  const copies = sources.flatMap((source) =>
    source.copies.flatMap((copy) => (copy.host === name && there.has(copy.target) ? [copy.target] : [])),
  );
  if (copies.length === 0) return [];
  const roots = copies.filter((copy) => !copies.some((other) => copy.startsWith(`${other}/`)));
  const argv = [
    "zfs",
    "get",
    "-Hp",
    "-r",
    "-t",
    "filesystem",
    "-o",
    "name,property,value",
    "canmount,mountpoint",
    ...roots,
  ];
  const { stdout } = await hosts.run(name, argv, { signal, timeoutMs: TIMEOUT_MS });
  const traps = trapsIn(stdout).filter(({ dataset }) => copies.includes(dataset));
  if (traps.length === 0) return [good("mounts", "no copy is mounted by itself")];
  return traps.map(({ dataset, mountpoint }) => {
    const rival = found.datasets.find((other) => other.name !== dataset && other.mountpoint === mountpoint);
    const message = `the next boot mounts ${dataset} on ${mountpoint}`;
    const advice = `zfs set canmount=noauto ${quote(dataset)}`;
    if (rival === undefined) return warning("mounts", message, advice);
    return problem("mounts", `${message}, where ${rival.name} is mounted`, advice);
  });
}

export async function checkPrograms({ name, manifest, hosts, signal, sources }: Patient): Promise<Check[]> {
  const needed = new Set<string>();
  const isHere = manifest.hosts.get(name)?.local === true;
  for (const { host, copies } of sources) {
    for (const copy of copies) {
      if (host !== name && copy.host !== name) continue;
      if (copy.remote.compress === "zstd" && host !== copy.host) needed.add("zstd");
      // the rate is limited where the transfer is watched
      if (copy.remote.limit !== undefined && (isHere || host === copy.host)) needed.add("pv");
    }
  }
  const checks = [...needed].map(async (program) => {
    const { code } = await hosts.run(name, ["sh", "-c", 'command -v "$1"', "sh", program], {
      signal,
      timeoutMs: TIMEOUT_MS,
    });
    if (code === 0) return good("programs", `${program} is there`);
    return problem("programs", `${program} is not there, and a remote asks for it`, `apt-get install ${program}`);
  });
  return Promise.all(checks);
}
