import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { tools as restic } from "../../remotes/restic/tools.ts";
import type { Machine } from "../harness/index.ts";

const project = join(import.meta.dirname, "../../..");
const ROOT = "/systemd";

/**
 * A Debian of its own in a machine, which systemd boots: its files and processes apart, the kernel, `/dev/zfs` and the
 * names of pools the same. The files of its pools are in `/pools`, where the kernel finds them, too.
 */
export interface System {
  /** Runs a shell script there as root, and returns what it prints without the last newline; a failing one throws. */
  sh(script: string): Promise<string>;
  /** Tries until it succeeds, for as long as systemd may take on an emulated machine. */
  until(script: string): Promise<string>;
  put(path: string, content: string): Promise<void>;
  /** Ends it, with all that runs there; its pools have to be gone. */
  stop(): Promise<void>;
}

/** What the machine has and the system lacks: the programs that Holdfast calls, each with its libraries. */
const BORROW = `
for program in zfs zpool ssh zstd pv; do
  program=$(command -v $program) || continue
  for file in "$program" $(/lib64/ld-linux-x86-64.so.2 --list "$program" | grep -o '/[^ )]*'); do
    [ -e "${ROOT}$file" ] || { mkdir -p "${ROOT}\${file%/*}" && cp -L "$file" "${ROOT}$file"; }
  done
done
touch ${ROOT}/usr/bin/node && mount --bind "$(readlink -f /usr/bin/node)" ${ROOT}/usr/bin/node
`;

const BOOT = `
cd ${ROOT} && ln -sf /dev/null etc/systemd/system/getty.target # nobody logs in
mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t cgroup2 cgroup2 sys/fs/cgroup
mkdir pools && mount --bind /pools pools
mount --rbind /dev dev && mount -t tmpfs run run && mount -t tmpfs tmp tmp
mount --move . /
exec chroot . sh -c 'mount --make-rshared / && exec env -i container=test /usr/lib/systemd/systemd --unit=multi-user.target'
`;

/** Boots it, with what \`npm pack\` makes of this tree in /root. */
export async function bootSystem(machine: Machine): Promise<System> {
  const packaging = execFileSync("bash", [join(project, "test/packaging-tools/build")], { encoding: "utf8" }).trim();
  if ("missing" in restic) throw new Error(`the real tools are missing: ${restic.missing}`);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pack-"));
  const { stdout: files } = await execa(
    "tar",
    ["-C", join(packaging, "root"), "--exclude=./usr/bin/shellcheck", "-c", "."],
    { encoding: "buffer", maxBuffer: 2 ** 28 },
  );
  await machine.sh(`mkdir -p ${ROOT} && mount -t tmpfs -o mode=755 system ${ROOT} && tar -C ${ROOT} -x`, {
    input: files,
  });
  await execa("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: project });
  await machine.put(`${ROOT}/root/holdfast-0.1.0.tgz`, readFileSync(join(folder, "holdfast-0.1.0.tgz")));
  await machine.put(`${ROOT}/usr/local/bin/restic`, readFileSync(join(restic.folder, "restic-0.18")), "755");
  await rm(folder, { recursive: true });
  await machine.sh(BORROW);
  await machine.put(`${ROOT}-boot`, BOOT);
  const started = await machine.sh(
    `unshare --mount --pid --fork --uts --ipc --cgroup sh ${ROOT}-boot > ${ROOT}-log 2>&1 < /dev/null &
     until [ -n "$(cat /proc/$!/task/$!/children)" ]; do sleep 0.1; done; cat /proc/$!/task/$!/children`,
  );
  const pid = started.trim();
  const enter = `nsenter -t ${pid} -m -p -u -i env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root`;
  const sh = (script: string): Promise<string> => machine.sh(`${enter} bash -c "$(cat)"`, { input: `cd\n${script}` });
  const until = (script: string): Promise<string> =>
    sh(`what() {\n${script}\n}\nfor try in $(seq 240); do what > /tmp/said && cat /tmp/said && exit; sleep 0.5; done
      journalctl --no-pager -n 50 >&2; cat /tmp/said >&2; exit 1`);
  const stop = async (): Promise<void> => {
    await machine.sh(
      `kill -9 ${pid}; until ! kill -0 ${pid} 2> /dev/null; do sleep 0.1; done; umount -l ${ROOT}/usr/bin/node; umount -l ${ROOT}; rm -rf /pools/*`,
    );
  };
  try {
    await machine.sh(`timeout 120 sh -c 'until [ -S /proc/${pid}/root/run/systemd/private ]; do sleep 0.2; done'`);
    await until("systemctl is-system-running | grep -E 'running|degraded'");
  } catch (error) {
    await stop();
    throw error;
  }
  return { sh, until, stop, put: (path, content) => machine.put(`/proc/${pid}/root${path}`, content, "644") };
}
