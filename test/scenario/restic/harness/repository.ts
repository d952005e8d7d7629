import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { makeCheap, makeRepository } from "../../../remotes/restic/repository.ts";
import { eventually } from "../../../transport/leftovers.ts";

export interface RepositoryOptions {
  readonly password: { readonly file: string; readonly text: string };
  /** Where its files lie on this machine. */
  readonly folder: string;
  /** Where Holdfast is told it is; default: the folder. */
  readonly location: string;
}

/** What `restic snapshots --json` prints of each. */
export interface Copy {
  readonly id: string;
  readonly original?: string;
  readonly time: string;
  readonly tree: string;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags?: readonly string[];
  readonly summary?: Readonly<Record<string, number>>;
}

interface Means {
  /** restic itself. */
  readonly program: string;
  /** Also where restic keeps its cache. */
  readonly home: string;
}

/** A repository as it lies on this disk, looked at with restic by hand, whatever way Holdfast takes to it. */
export class Repository {
  readonly folder: string;
  readonly location: string;
  readonly password: RepositoryOptions["password"];
  readonly #means: Means;

  constructor({
    folder,
    location = folder,
    password,
    ...means
  }: Partial<RepositoryOptions> & Omit<RepositoryOptions, "location"> & Means) {
    this.folder = folder;
    this.location = location;
    this.password = password;
    this.#means = means;
  }

  make(): void {
    makeRepository(this.folder, { password: this.password.text });
  }

  /** Spares every later restic the price of its password, where Holdfast made it. */
  makeCheap(): void {
    makeCheap(this.folder, this.password.text);
  }

  /** What the manifest says of it, besides its type. */
  get entry() {
    return { repository: this.location, password: { file: this.password.file } };
  }

  get #environment() {
    const { home } = this.#means;
    return {
      HOME: `${home}/by-hand`,
      RESTIC_CACHE_DIR: `${home}/by-hand/cache`,
      RESTIC_REPOSITORY: this.folder,
      RESTIC_PASSWORD: this.password.text,
      TZ: "UTC",
    };
  }

  restic(args: readonly string[], cwd?: string): string {
    return execFileSync(this.#means.program, args, {
      cwd,
      encoding: "utf8",
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 28,
    });
  }

  /** Somebody else's backup, which does not end: it reads what nobody writes. */
  hold(): { readonly locked: Promise<void>; kill(): Promise<void> } {
    const child = spawn(this.#means.program, ["backup", "--stdin"], {
      env: this.#environment,
      stdio: ["pipe", "ignore", "ignore"],
    });
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return {
      locked: eventually(() => expect(this.locks()).toHaveLength(1)),
      async kill() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  }

  /** In order of time; records of maintenance too. */
  copies(): Copy[] {
    const copies: Copy[] = JSON.parse(this.restic(["snapshots", "--json", "--no-lock"])) ?? [];
    return copies.sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
  }

  locks(): string[] {
    const folder = join(this.folder, "locks");
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** A copy as Holdfast made it some days ago. */
  seed(source: string, { daysAgo, types = ["daily"], tags = [] }: Seed): void {
    const time = new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 19).replace("T", " ");
    const ours = ["holdfast", `source=${hostname()}:${source}`, ...types.map((type) => `type=${type}`), ...tags];
    const words = ours.map((tag) => `--tag=${tag}`);
    this.restic(["backup", `--host=${hostname()}`, `--time=${time}`, ...words, "."], source);
  }

  /** Restores a copy, and it is the same as the source, byte for byte. */
  expectSame(id: string, source: string): void {
    const target = mkdtempSync(`${this.#means.home}/restored-`);
    this.restic(["restore", id, "--target", target, "--no-lock"]);
    expect(execFileSync("diff", ["-r", "--no-dereference", source, target], { encoding: "utf8" })).toBe("");
    rmSync(target, { recursive: true });
  }

  /** Flips a byte in the middle of the largest file that holds data. */
  damage(): void {
    const packs = readdirSync(join(this.folder, "data"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort((a, b) => statSync(b).size - statSync(a).size);
    const [pack = ""] = packs;
    const content = readFileSync(pack);
    const middle = content.length >> 1;
    content[middle] = (content[middle] ?? 0) ^ 1;
    chmodSync(pack, 0o600);
    writeFileSync(pack, content);
  }

  /** restic finds nothing wrong with it, all data read. */
  expectSound(): void {
    expect(this.restic(["check", "--read-data"])).toContain("no errors were found");
  }
}

interface Seed {
  readonly daysAgo: number;
  readonly types?: readonly string[];
  readonly tags?: readonly string[];
}
