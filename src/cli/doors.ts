import type { OpenedRemotes } from "../hooks/remotes.ts";
import type { UsedRepository } from "../manifest/repositories.ts";
import type { OperationReport, Problem } from "../model/report.ts";
import type { RepositoryKey } from "../model/units.ts";
import type { Remotes } from "./remotes.ts";

type Open = (one: UsedRepository) => Promise<OpenedRemotes>;

/**
 * The hooks around remotes, for work that overlaps: what is to come before a repository is done by the first who needs it,
 * what is to come after by the last of them. Where the first failed nobody stays, and who comes next tries again.
 */
export class Doors {
  readonly #open: Open;
  readonly #doors = new Map<RepositoryKey, Door>();

  constructor(open: Open) {
    this.#open = open;
  }

  async within<T>(repositories: readonly UsedRepository[], work: (remotes: Remotes) => Promise<T>): Promise<T> {
    const unavailable = new Map<RepositoryKey, Problem>();
    const entered: Door[] = [];
    try {
      for (const used of repositories) {
        const door = this.#doorTo(used);
        const problem = await door.enter();
        if (problem === undefined) entered.push(door);
        else unavailable.set(used.key, problem);
      }
      const finished = (report: OperationReport): void => {
        for (const door of entered) door.finished(report);
      };
      return await work({ unavailable, finished });
    } finally {
      for (const door of entered.reverse()) await door.leave();
    }
  }

  #doorTo(used: UsedRepository): Door {
    const door = this.#doors.get(used.key) ?? new Door(() => this.#open(used));
    this.#doors.set(used.key, door);
    return door;
  }
}

class Door {
  readonly #open: () => Promise<OpenedRemotes>;
  #opened: Promise<OpenedRemotes> | undefined;
  #closing = Promise.resolve();
  #inside = 0;

  constructor(open: () => Promise<OpenedRemotes>) {
    this.#open = open;
  }

  /** Says why nobody can come in. */
  async enter(): Promise<Problem | undefined> {
    this.#inside += 1;
    let isIn = false;
    try {
      this.#opened ??= this.#closing.then(this.#open);
      const [problem] = (await this.#opened).unavailable.values();
      isIn = problem === undefined;
      return problem;
    } finally {
      if (!isIn) await this.leave();
    }
  }

  finished(report: OperationReport): void {
    void this.#opened?.then((opened) => opened.finished(report));
  }

  async leave(): Promise<void> {
    this.#inside -= 1;
    if (this.#inside > 0) return;
    const opened = this.#opened;
    this.#opened = undefined;
    this.#closing = (opened ?? Promise.reject()).then(({ close }) => close(false)).catch(() => {});
    await this.#closing;
  }
}
