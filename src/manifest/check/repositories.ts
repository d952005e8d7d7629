import type { AdoptRule, Manifest, Repository } from "../../model/manifest.ts";
import type { Problem } from "../problem.ts";
import { isLocal } from "../repositories.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";
import type { Known } from "./known.ts";

interface Named {
  readonly repository: Repository;
  readonly path: Path;
  readonly called: string;
}

function repositoriesOf({ remotes, mirrors }: Manifest): Named[] {
  return [
    ...[...remotes.values()].flatMap((remote) =>
      remote.type === "restic"
        ? [{ repository: remote, path: ["remotes", remote.name], called: `remote ${remote.name}` }]
        : [],
    ),
    ...[...mirrors.values()].map((mirror) => ({
      repository: mirror,
      path: ["mirrors", mirror.name],
      called: `mirror ${mirror.name}`,
    })),
  ];
}

export function repositoryProblems(known: Known, pathOf: (rule: AdoptRule) => Path): Problem[] {
  const all = repositoriesOf(known.manifest);
  return [
    ...sameRepositories(known, all),
    ...all.flatMap((each) => [...adoptionProblems(known, each, pathOf), ...mountProblems(each)]),
  ];
}

/** Where a disk is not plugged in there is an empty folder, which looks like a place for a new repository. */
function mountProblems({ repository, called, path }: Named): Problem[] {
  const { init, removable, requireMount, hooks } = repository;
  if (!isLocal(repository) || !init || !removable || requireMount !== undefined || hooks.length > 0) return [];
  return [
    {
      severity: "warning",
      code: "no-mount-required",
      message: `while the disk of ${called} is away, a new repository would be made in the empty folder`,
      hint: "say where it is mounted: requireMount: /mnt/…",
      path: [...path, "init"],
      at: "key",
      related: [{ path: [...path, "removable"], message: "away at times" }],
    },
  ];
}

/** Two names for one repository would forget each other's copies. */
function sameRepositories({ manifest, isBroken }: Known, all: readonly Named[]): Problem[] {
  const hosts: ReadonlySet<string> = new Set(manifest.hosts.keys());
  const byId = new Map<string, Named>();
  const templates: Identified[] = [];
  const literals: Identified[] = [];
  return all.flatMap((named): Problem[] => {
    if (isBroken([...named.path, "repository"]) || isBroken([...named.path, "environment"])) return [];
    const id = identityOf(named.repository);
    const each = { named, id, parts: id.split("{host}") };
    const isTemplate = each.parts.length > 1;
    const other =
      byId.get(id) ??
      (isTemplate
        ? literals.find((literal) => isMadeOf(each, literal, hosts))
        : templates.find((template) => isMadeOf(template, each, hosts))
      )?.named;
    if (other) return [same(named, other)];
    byId.set(id, named);
    (isTemplate ? templates : literals).push(each);
    return [];
  });
}

interface Identified {
  readonly named: Named;
  readonly id: string;
  /** What stands around each `{host}`. */
  readonly parts: readonly string[];
}

/** True where `{host}` makes the one of the other. */
function isMadeOf({ parts }: Identified, { id }: Identified, hosts: ReadonlySet<string>): boolean {
  const [before = ""] = parts;
  if (!id.startsWith(before)) return false;
  const length = (id.length - parts.join("").length) / (parts.length - 1);
  const host = id.slice(before.length, before.length + length);
  return hosts.has(host) && parts.join(host) === id;
}

const same = (each: Named, other: Named): Problem => ({
  code: "same-repository",
  message: `${other.called} and ${each.called} are one repository${placeOf(each.repository)}`,
  hint: "give one of them another place, or leave it out",
  path: [...each.path, "repository"],
  related: [{ path: [...other.path, "repository"], message: other.called }],
});

const placeOf = ({ location }: Repository): string => (typeof location === "string" ? `, ${quote(location)}` : "");

/** Backends whose location says where only together with the variables. */
const needsEnvironment = /^(azure|rclone|swift):/;

/** The same for two repositories that are one. */
function identityOf({ location, environment }: Repository): string {
  if (typeof location !== "string") return JSON.stringify(location);
  const place = location.replace(/\/+$/, "");
  return needsEnvironment.test(place) ? JSON.stringify([place, ...[...environment].sort()]) : place;
}

/** A rule that counts copies for a source is for one that has copies there. */
function adoptionProblems(known: Known, { repository, called }: Named, pathOf: (rule: AdoptRule) => Path): Problem[] {
  return repository.adopt.flatMap((rule): Problem[] => {
    const { source } = rule;
    if (source === undefined) return [];
    const at = [...pathOf(rule), "source"];
    const remotes = known.remotesOf(source);
    if (remotes === undefined) {
      const message = `no entry of datasets or directories covers ${source}`;
      return [{ code: "unknown-source", message, hint: "name a source as the plan shows it", path: at }];
    }
    if (remotes === "broken" || remotes.includes(known.originalOf(repository.name))) return [];
    const hint = `its remotes: ${remotes.join(", ") || "none"}`;
    return [{ code: "unknown-copy", message: `${source} has no copies on ${called}`, hint, path: at }];
  });
}
