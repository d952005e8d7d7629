import type { AdoptRule } from "../../model/manifest.ts";
import type { TypeName } from "../../model/units.ts";
import type { Adopt } from "../generated/types.ts";
import { normalPath } from "../units.ts";
import { dotted } from "../words.ts";
import { readSource } from "./addresses.ts";
import type { Context } from "./context.ts";
import type { Reading } from "./reading.ts";

export function readAdoption(context: Context, rules: Adopt, { naming, types }: Reading): AdoptRule[] {
  return rules.map((rule) => {
    const at = context.pathOf(rule);
    const { tag, host, path: of, type } = rule;
    if (!["tag", "host", "path"].some((key) => context.isWritten([...at, key]))) {
      const message = `${dotted(at)} does not say which copies: it needs tag, host or path`;
      const hint = "say what they have in common, such as `tag: nightly`; `restic snapshots` shows it";
      context.report({ code: "missing-key", message, hint, path: at });
    }
    if (type !== undefined) context.reference("type", type, types, [...at, "type"]);
    const source =
      rule.source === undefined
        ? undefined
        : readSource(context, naming, rule.source, [...at, "source"], "a rule of adopt");
    const read: AdoptRule = {
      ...(tag === undefined ? {} : { tag }),
      ...(host === undefined ? {} : { host }),
      ...(of === undefined ? {} : { path: normalPath(of) }),
      ...(source === undefined ? {} : { source }),
      ...(type === undefined ? {} : { type: type as TypeName }),
    };
    return context.remember(read, at);
  });
}
