import type { Explanation, Presence, SnapshotExplanation, SourceExplanation, Verdict } from "../model/explanation.ts";
import { writePlace } from "../model/plan.ts";
import type { HostName } from "../model/units.ts";
import { keptWords } from "./kept.ts";
import { columns, palette, shortAddress, type TextOptions, visible } from "./text.ts";

/** Why a source is treated as it is, like `zfs get`; or why a snapshot is kept, destroyed, sent or blocked. */
export function renderExplanation(
  explanation: Explanation,
  options: TextOptions & { readonly self: HostName | null },
): string {
  const lines = explanation.kind === "source" ? sourceLines(explanation, options) : snapshotLines(explanation, options);
  return `${lines.join("\n")}\n`;
}

type Options = TextOptions & { readonly self: HostName | null };

function sourceLines({ source, remote, keys, verdicts }: SourceExplanation, { color, self }: Options): string[] {
  const title =
    remote === undefined ? shortAddress(source, self) : `${shortAddress(source, self)} on ${visible(remote)}`;
  return [
    palette(color).bold(title),
    ...(keys.length === 0
      ? []
      : columns([
          ["  KEY", "VALUE", "FROM"],
          ...keys.map(({ key, value, from }) => [`  ${key}`, value, from].map(visible)),
        ])),
    ...(keys.length === 0 || verdicts.length === 0 ? [] : [""]),
    ...verdictLines(verdicts),
  ];
}

function snapshotLines(explanation: SnapshotExplanation, { color, self }: Options): string[] {
  const { source, remote, at, name, guid, copy, created, type, types, places, verdicts } = explanation;
  const facts: string[][] = [
    ["source", shortAddress(source, self)],
    ...(remote === undefined ? [] : [["remote", visible(remote)]]),
    types === undefined
      ? ["type", type === undefined ? "none: foreign, never touched" : visible(type)]
      : ["types", types.map(visible).join(", ")],
    ...(copy === undefined ? [["guid", guid ?? "none yet: this plan creates it"]] : [["copy", copy]]),
    ...(created === undefined ? [] : [["created", created.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")]]),
    ...columns(places.map(presenceCells)).map((line, index) => [index === 0 ? "found" : "", line]),
  ];
  return [
    palette(color).bold(visible(copy === undefined ? `${writePlace(at)}@${name}` : `${name} in ${writePlace(at)}`)),
    ...columns(facts.map(([key = "", value = ""]) => [`  ${key}`, value])),
    "",
    ...verdictLines(verdicts),
  ];
}

const presenceCells = ({ remote, at, state, name }: Presence): string[] => {
  const words = {
    snapshot: "yes",
    bookmark: "only as a bookmark",
    copy: "yes",
    partial: "files are missing",
    absent: "no",
    unobserved: "not observed",
  } as const;
  return [
    remote === undefined ? "source" : visible(remote),
    visible(writePlace(at)),
    `${words[state]}${name === undefined ? "" : `, as @${visible(name)}`}`,
  ];
};

const VERDICTS: Readonly<Record<Verdict["what"], string>> = {
  create: "+ create",
  keep: "  keep",
  destroy: "- destroy",
  send: "> send",
  backup: "> backup",
  copy: "> copy",
  forget: "- forget",
  resume: "~ resume",
  bookmark: "~ bookmark",
  blocked: "! blocked",
  foreign: "  foreign",
  "not-sent": "  not sent",
  suspended: "! suspended",
  verified: "  verified",
  short: "! short",
  unobserved: "! unknown",
};

const WIDEST = Math.max(...Object.values(VERDICTS).map((word) => word.length)) + 4;

const verdictLines = (verdicts: readonly Verdict[]): string[] =>
  verdicts.flatMap(({ what, remote, rule, reason, remedies = [] }) => {
    const whose = remote === undefined ? "" : `${visible(remote)}: `;
    const why = rule === undefined ? visible(reason) : keptWords({ reason: rule, detail: reason });
    return [
      `  ${VERDICTS[what].padEnd(WIDEST - 2)}${whose}${why}`,
      ...remedies.map(
        (remedy, index) => `${" ".repeat(WIDEST)}${index === 0 ? "remedies: " : "          "}${visible(remedy)}`,
      ),
    ];
  });
