import type { Notification, NotificationEvent, NotificationTarget } from "../../model/manifest.ts";
import type { Seconds } from "../../model/units.ts";
import type { Notification as NotificationKeys } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parseDuration } from "../units.ts";
import type { Context } from "./context.ts";
import { readSecret, readTexts } from "./secrets.ts";

const everyEvent: readonly NotificationEvent[] = ["failed", "recovered", "blocked", "overdue"];
const defaultRemind = 86_400 as Seconds;
const defaultTelegram = "https://api.telegram.org";

export function readNotifications(context: Context, notifications: readonly NotificationKeys[]): Notification[] {
  return notifications.map((keys) => {
    const at = context.pathOf(keys);
    const remind = readRemind(context, keys.remind, [...at, "remind"]);
    const read: Notification = {
      ...readTarget(context, keys, at),
      events: keys.events ?? everyEvent,
      ...(remind && { remind }),
    };
    return context.remember(read, at);
  });
}

function readTarget(context: Context, keys: NotificationKeys, at: Path): NotificationTarget {
  switch (keys.type) {
    case "webhook": {
      const headers = Object.fromEntries(readTexts(context, keys.headers ?? {}, [...at, "headers"]));
      return { type: "webhook", url: readSecret(context, keys.url, [...at, "url"]), headers };
    }
    case "ntfy":
      return {
        type: "ntfy",
        url: readSecret(context, keys.url, [...at, "url"]),
        ...(keys.token && { token: readSecret(context, keys.token, [...at, "token"]) }),
      };
    case "slack":
    case "discord":
      return { type: keys.type, url: readSecret(context, keys.url, [...at, "url"]) };
    case "telegram":
      return {
        type: "telegram",
        token: readSecret(context, keys.token, [...at, "token"]),
        chat: keys.chat,
        server: keys.server ?? defaultTelegram,
      };
    case "gotify":
      return {
        type: "gotify",
        url: readSecret(context, keys.url, [...at, "url"]),
        token: readSecret(context, keys.token, [...at, "token"]),
      };
    case "email":
      return {
        type: "email",
        smtp: { url: readSecret(context, keys.smtp.url, [...at, "smtp", "url"]) },
        from: keys.from,
        to: keys.to,
      };
  }
}

function readRemind(context: Context, text: string | undefined, path: Path): Seconds | undefined {
  if (text === undefined) return defaultRemind;
  if (text === "never") return undefined;
  return context.required(parseDuration(text), path, "bad-duration", "must be longer than nothing");
}
