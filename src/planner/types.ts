import type { Manifest, SnapshotType } from "../model/manifest.ts";
import type { EpochSeconds, TypeName } from "../model/units.ts";
import { isGlob, literalLength, type Matcher, matcher } from "./patterns.ts";

/** Tells the type of a snapshot by its name; `undefined` is foreign. */
export type Classify = (name: string) => TypeName | undefined;

interface Rule {
  readonly type: TypeName;
  readonly length: number;
  readonly matches: Matcher;
}

/** A type matches `TYPE-*` and its `adopt` patterns; the longest literal match wins. */
export function classifier(types: ReadonlyMap<TypeName, SnapshotType>): Classify {
  const rules: Rule[] = [...types.values()]
    .flatMap((type): Rule[] => [
      { type: type.name, length: type.name.length + 1, matches: (name) => name.startsWith(`${type.name}-`) },
      ...type.adopt.map((pattern) => ({
        type: type.name,
        length: isGlob(pattern) ? literalLength(pattern) : pattern.length,
        matches: matcher(pattern),
      })),
    ])
    .sort((a, b) => b.length - a.length);
  const known = new Map<string, TypeName | null>();
  return (name) => {
    let type = known.get(name);
    if (type === undefined) {
      type = rules.find((rule) => rule.matches(name))?.type ?? null;
      known.set(name, type);
    }
    return type ?? undefined;
  };
}

/** `TYPE-YYYYMMDDTHHMMSSZ`, in UTC. */
export function snapshotName(type: TypeName, at: EpochSeconds): string {
  const stamp = new Date(at * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${type}-${stamp}`;
}

const stamped = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** The time in a name that Holdfast made. */
export function timeInName(name: string): EpochSeconds | undefined {
  const match = stamped.exec(name);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const time = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  return Number.isNaN(time) ? undefined : (time as EpochSeconds);
}

/** The types among `take` that have a schedule, in the manifest's order: the same for every source. */
export function scheduledTypes(manifest: Manifest, take: readonly TypeName[]): SnapshotType[] {
  return [...manifest.snapshotTypes.values()].filter(
    ({ name, schedule }) => schedule !== undefined && take.includes(name),
  );
}
