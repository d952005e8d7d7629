import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect } from "vitest";

/** What this process holds that somebody may have forgotten: pipes and FIFOs, children, temporary directories. */
interface Held {
  readonly pipes: number;
  readonly children: readonly string[];
  readonly directories: readonly string[];
}

interface Watch {
  /** A directory for temporary files of this test file's own: others use the common one at the same time. */
  readonly TMPDIR: string;
  /** Fails where this process holds more than when the watch began. */
  expectNothingLeft(): Promise<void>;
}

/** Called before a test file's own hooks are registered: its directory goes last. */
export function watchForLeftovers(): Watch {
  const TMPDIR = mkdtempSync(join(tmpdir(), "test-"));
  afterAll(() => rmSync(TMPDIR, { recursive: true, force: true }));
  const before = held(TMPDIR);
  return {
    TMPDIR,
    expectNothingLeft: () =>
      eventually(() => {
        const now = held(TMPDIR);
        expect(now.pipes).toBeLessThanOrEqual(before.pipes);
        expect(now.children.filter((command) => !before.children.includes(command))).toEqual([]);
        expect(now.directories).toEqual([]);
      }),
  };
}

function held(TMPDIR: string): Held {
  const descriptors = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return {
    pipes: descriptors.filter((target) => /^pipe:|fifo/.test(target)).length,
    children: children(),
    directories: readdirSync(TMPDIR),
  };
}

function children(): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return Number(parent) === process.pid && state !== "Z" ? [command] : [];
    } catch {
      return [];
    }
  });
}

/** Processes anywhere whose command line has this word: what was left behind has no parent to find it by. */
export function processesWith(word: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return command.includes(word) ? [`${pid} ${command}`] : [];
    } catch {
      return [];
    }
  });
}

/** Waits until it holds: the end of a process is noticed a moment later. */
export async function eventually(check: () => void, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await setTimeout(10);
    }
  }
}
