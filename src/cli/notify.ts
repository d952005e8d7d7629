import type { Notification } from "../model/manifest.ts";
import type { NotifyTest } from "../model/notice.ts";
import { renderNotifyTest } from "../render/notify-test.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock } from "./world.ts";

interface NotifyTestOptions extends GlobalOptions {
  readonly only?: readonly Notification["type"][];
  readonly json?: true;
}

export async function notifyTest(options: NotifyTestOptions): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const { only } = options;
  const notifications = manifest.notifications.filter(({ type }) => only?.includes(type) ?? true);
  if (notifications.length === 0)
    throw new Failure(`the manifest has no notifications${only ? ` of type ${only.join(" or ")}` : ""}`, {
      hint: "add one, such as `notifications: [{ type: ntfy, url: { file: ntfy.url } }]`",
    });
  const { sendTests, TIMEOUT_MS } = await import("../notify/index.ts");
  const interruption = onInterrupt();
  try {
    const results = await sendTests(
      { notifications, self: manifest.self },
      { env: process.env, signal: interruption.signal, timeoutMs: TIMEOUT_MS, now: clock() },
    );
    const tested: NotifyTest = { formatVersion: 1, notifications: results };
    if (options.json) answerJson(tested);
    else answer(renderNotifyTest(tested, forStdout(options)));
    return results.every(({ arrived }) => arrived) ? EXIT.ok : EXIT.incomplete;
  } finally {
    interruption.release();
  }
}
