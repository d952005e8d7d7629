import type { Hook, HookAction } from "../../model/manifest.ts";
import type { Seconds } from "../../model/units.ts";
import type { HookAction as ActionKeys, RepositoryHook, SourceHook } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parseDuration } from "../units.ts";
import { dotted, quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readText, readTexts } from "./secrets.ts";

const defaultTimeout = 60 as Seconds;

export function readHooks(context: Context, hooks: readonly (RepositoryHook | SourceHook)[]): Hook[] {
  return hooks.map((keys) => {
    const at = context.pathOf(keys);
    if (!context.isWritten([...at, "before"]) && !context.isWritten([...at, "after"])) {
      const message = `${dotted(at)} does nothing: it needs before or after`;
      context.report({
        code: "missing-key",
        message,
        hint: "add `before: [PROGRAM, ARGUMENT]`, or remove it",
        path: at,
      });
    }
    const timeout =
      keys.timeout === undefined
        ? defaultTimeout
        : context.required(
            parseDuration(keys.timeout),
            [...at, "timeout"],
            "bad-duration",
            "must be longer than nothing",
          );
    return {
      around: keys.around,
      ...(keys.before && { before: readAction(context, keys.before, [...at, "before"]) }),
      ...(keys.after && { after: readAction(context, keys.after, [...at, "after"]) }),
      timeout: timeout ?? defaultTimeout,
      onFailure: keys.onFailure ?? "abort",
    };
  });
}

function readAction(context: Context, action: ActionKeys, path: Path): HookAction {
  if (!("http" in action)) return { command: action };
  const { url, method = "POST", headers = {}, body } = action.http;
  const at = [...path, "http"];
  const text = readText(context, url, [...at, "url"]);
  if (typeof text === "string") checkUrl(context, text, [...at, "url"]);
  if (body !== undefined && method === "GET") {
    const message = `${dotted(at)} has a body, and GET sends none`;
    context.report({
      code: "conflicting-keys",
      message,
      hint: "leave one of them out: the default is POST",
      path: [...at, "body"],
      at: "key",
    });
  }
  return {
    http: {
      url: text ?? "",
      method,
      headers: Object.fromEntries(readTexts(context, headers, [...at, "headers"])),
      ...(body === undefined ? {} : { body }),
    },
  };
}

function checkUrl(context: Context, text: string, path: Path): void {
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return;
  const hint = "write http://… or https://…";
  context.report({ code: "bad-url", message: `${quote(text)} is no URL that a hook could call`, hint, path });
}
