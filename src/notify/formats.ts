import type { Notification } from "../model/manifest.ts";
import type { Notice, NoticeItem } from "../model/notice.ts";
import { clip, textOf, utf8 } from "./notice.ts";

type OverHttp = Exclude<Notification["type"], "email">;

/** Each in the service's own format, and within its limits. `topic` is the last part of an ntfy URL. */
export function payloadOf(
  type: OverHttp,
  notice: Notice,
  { chat = "", topic = "" }: { readonly chat?: string; readonly topic?: string },
): object {
  switch (type) {
    case "webhook":
      return notice;
    case "ntfy":
      return ntfy(notice, topic);
    case "slack":
      return slack(notice);
    case "discord":
      return discord(notice);
    case "telegram":
      return telegram(notice, chat);
    case "gotify":
      return {
        title: clip(notice.title, 250),
        message: textOf(notice, 16_000),
        // from 8 on it rings
        priority: { alarm: 8, good: 4, test: 4 }[moodOf(notice)],
      };
  }
}

type Mood = "alarm" | "good" | "test";

const moodOf = ({ test, items }: Notice): Mood =>
  test ? "test" : items.some(({ event }) => event !== "recovered") ? "alarm" : "good";

/** Above 4096 bytes ntfy makes an attachment of a message. */
const ntfy = (notice: Notice, topic: string): object => ({
  topic,
  title: clip(notice.title, 250),
  message: textOf(notice, 3900, utf8),
  priority: { alarm: 4, good: 3, test: 3 }[moodOf(notice)],
  tags: notice.test ? ["test_tube"] : [...new Set(notice.items.map(({ event }) => TAGS[event]))],
});

const TAGS: Readonly<Record<NoticeItem["event"], string>> = {
  failed: "rotating_light",
  blocked: "no_entry",
  overdue: "hourglass",
  recovered: "white_check_mark",
};

/** Slack reads `&`, `<` and `>`, and nothing else, as its own; a plain_text block not even these. */
const slack = (notice: Notice): object => ({
  text: escaped(clip(notice.title, 300)),
  blocks: [
    { type: "header", text: { type: "plain_text", text: clip(notice.title, 150), emoji: false } },
    { type: "section", text: { type: "plain_text", text: textOf(notice, 2900), emoji: false } },
  ],
});

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const COLORS: Readonly<Record<Mood, number>> = { alarm: 0xd9_36_3e, good: 0x2e_a0_43, test: 0x58_65_f2 };

/** All of an embed counts: 6000 characters, of which a description may have 4096. Names in it call nobody. */
const discord = (notice: Notice): object => ({
  username: "Holdfast",
  allowed_mentions: { parse: [] },
  embeds: [
    {
      title: clip(markdownFree(notice.title), 256),
      description: clip(markdownFree(textOf(notice, 3500)), 4096),
      color: COLORS[moodOf(notice)],
      timestamp: notice.at,
    },
  ],
});

const markdownFree = (text: string): string => text.replaceAll(/[\\*_~`|<>[\]#-]/g, "\\$&");

/** Without `parse_mode` nothing in it is markup. */
const telegram = (notice: Notice, chat: string): object => ({
  chat_id: chat,
  text: clip(`${notice.title}\n\n${textOf(notice, 3600)}`, 4096),
  link_preview_options: { is_disabled: true },
  disable_notification: moodOf(notice) === "good",
});

/** What a mail says: all of it. */
export const mailText = (notice: Notice): string =>
  [
    textOf(notice, 200_000),
    "",
    "-- ",
    `Holdfast on ${notice.self ?? "a controller"}. \`holdfast status\` shows everything; the manifest's \`notifications\` say who is told.`,
    "",
  ].join("\n");

export const subjectOf = (notice: Notice): string => clip(notice.title, 200);
