import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { makeRepository } from "../../remotes/restic/repository.ts";
import { tools } from "../../remotes/restic/tools.ts";
import type { Machine, World } from "../harness/index.ts";

const PASSWORD = "correct horse";

export interface Copy {
  readonly id: string;
  readonly time: string;
  readonly tree: string;
  readonly paths: readonly [string];
  readonly tags: readonly string[];
  readonly summary: Readonly<Record<string, number>>;
}

/** restic in the machine, and an empty repository there. */
export class Inside {
  readonly folder: string;
  readonly #machine: Machine;

  private constructor(machine: Machine, folder: string) {
    this.#machine = machine;
    this.folder = folder;
  }

  static async on({ nas, datasets, folder }: World): Promise<Inside> {
    if ("missing" in tools) throw new Error(`the real tools are missing: ${tools.missing}`);
    const program = "/usr/local/bin/restic";
    if ((await nas.start(`test -x ${program}`)).exitCode !== 0)
      await nas.put(program, readFileSync(join(tools.folder, "restic-0.18")), "755");
    const made = join(folder, "repository");
    makeRepository(made, { password: PASSWORD });
    const archive = execFileSync("tar", ["-C", folder, "-c", "repository"]);
    rmSync(made, { recursive: true });
    const there = `/var/tmp/${datasets.tank.replaceAll("/", "-")}`;
    await nas.sh(`mkdir -p ${there} && tar -C ${there} -x && chmod -R a+rwX ${there}`, { input: archive });
    writeFileSync(join(folder, "password"), PASSWORD, { mode: 0o600 });
    return new Inside(nas, there);
  }

  get entry(): object {
    return { type: "restic", repository: `${this.folder}/repository`, password: { file: "password" } };
  }

  restic(...words: string[]): Promise<string> {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    return this.#machine.sh(`RESTIC_PASSWORD='${PASSWORD}' TZ=UTC restic -r ${this.folder}/repository ${quoted}`);
  }

  /** Of one dataset, oldest first. */
  async copies(dataset: string): Promise<Copy[]> {
    const all = JSON.parse(await this.restic("snapshots", "--json")) as Copy[];
    return all.filter(({ tags }) => tags.includes(`source=nas:${dataset}`)).sort((a, b) => (a.time < b.time ? -1 : 1));
  }

  /** What a copy brings back is what the snapshot has, name by name and byte by byte. */
  async expectSame({ id }: Copy, dataset: string, snapshot: string): Promise<void> {
    const mountpoint = `${this.folder}/mounted`;
    await this.restic("restore", id, "--target", `${this.folder}/restored`);
    await this.#machine.sh(
      [
        `mkdir -p ${mountpoint}`,
        `mount -t zfs ${dataset}@${snapshot} ${mountpoint}`,
        // restic keeps what is in the folder that it is started in, not that one's own mode and time
        `rsync -nacXi --delete ${this.folder}/restored/ ${mountpoint}/ | grep -v ' \\./$' > ${this.folder}/differences; umount ${mountpoint}`,
        `rm -rf ${this.folder}/restored`,
      ].join(" && "),
    );
    expect(await this.#machine.sh(`cat ${this.folder}/differences`)).toBe("");
  }

  async remove(): Promise<void> {
    await this.#machine.run("rm", "-rf", this.folder);
  }
}
