import type { NotifyTest } from "../model/notice.ts";
import { columns, palette, type TextOptions, visible } from "./text.ts";

/** `✓ arrived  ntfy  file /etc/holdfast/ntfy.url  HTTP 200`. */
export function renderNotifyTest({ notifications }: NotifyTest, options: TextOptions): string {
  const colors = palette(options.color);
  const rows = notifications.map(({ type, secret, answer }) => [type, visible(secret), visible(answer)]);
  const lines = columns(rows).map((line, index) => {
    const arrived = notifications[index]?.arrived;
    return `${arrived ? colors.green("✓ arrived") : colors.red("! failed ")}  ${line}`;
  });
  return `${lines.join("\n")}\n`;
}
