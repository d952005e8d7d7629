import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";

export const mayMount =
  userInfo().uid === 0 && spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;

export interface Disk {
  /** Makes it so many MiB large. */
  grow(size: number): void;
}

/** Mounts a file system of so many MiB, in memory, for as long as the work lasts. */
export async function onDisk(folder: string, size: number, work: (disk: Disk) => Promise<void>): Promise<void> {
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}m,nr_inodes=1m`, "none", folder]);
  try {
    await work({ grow: (to) => execFileSync("mount", ["-o", `remount,size=${to}m`, folder]) });
  } finally {
    execFileSync("umount", [folder]);
  }
}
