import type { NotificationEvent } from "./manifest.ts";
import type { Address, HostName, RemoteName } from "./units.ts";

/** What a webhook is sent: everything that is new since the last one. */
export interface Notice {
  readonly formatVersion: 1;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Who says it: `null` for a controller. */
  readonly self: HostName | null;
  /** Sent by `holdfast notify test`: nothing is the matter. */
  readonly test: boolean;
  /** All of it in one line. */
  readonly title: string;
  /** The worst first; none in a test. */
  readonly items: readonly NoticeItem[];
}

export interface NoticeItem {
  readonly event: NotificationEvent;
  /** Told before, and still so. */
  readonly reminder: boolean;
  readonly source: Address;
  /** Absent: the source itself. */
  readonly remote?: RemoteName;
  /** ISO 8601, UTC: since when it is, or was, so. */
  readonly since: string;
  /** Of what has recovered: what it was. */
  readonly was?: "failed" | "blocked" | "overdue";
  readonly message: string;
  /** What to do about it, each a command or a line of the manifest. */
  readonly remedies: readonly string[];
}

/** The answer of `holdfast notify test --json`. */
export interface NotifyTest {
  readonly formatVersion: 1;
  readonly notifications: readonly NotifyTestResult[];
}

export interface NotifyTestResult {
  readonly type: string;
  /** Where its URL or token is kept. */
  readonly secret: string;
  readonly arrived: boolean;
  /** HTTP status, or what the mail server said; or what went wrong. */
  readonly answer: string;
}
