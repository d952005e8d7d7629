import { hostname } from "node:os";
import type { RepositoryCopy, RepositoryInventory } from "../model/inventory.ts";
import type { Manifest, Repository } from "../model/manifest.ts";
import { type Address, address, type DatasetName, type HostName, type RemoteName } from "../model/units.ts";
import { OWN_SNAPSHOTS, type RestoreRequest } from "../planner/restore/request.ts";
import { visible } from "../render/text.ts";
import type { GlobalOptions } from "./context.ts";
import { EXIT, Failure } from "./exit.ts";
import { assumedManifest, GIVEN, givenRepository } from "./given.ts";
import { onInterrupt } from "./interrupt.ts";
import { connect } from "./world.ts";

/** What a restore is given where there is no manifest left. */
export interface BareOptions extends GlobalOptions {
  /** `true`: the one that restic's own variables name. */
  readonly repository?: string | true;
  readonly passwordFile?: string;
  /** `[[USER@]HOST:]DATASET[@SNAPSHOT]` of a copy. */
  readonly dataset?: string;
  readonly all?: true | string;
  readonly to?: string;
}

/** A manifest that would have led to what is there, and what is asked for in its words. */
export interface Bare {
  readonly manifest: Manifest;
  /** As on the command line. */
  readonly source?: string;
  readonly request: Partial<RestoreRequest>;
  /** What was seen of the repository. */
  readonly seen?: ReadonlyMap<RemoteName, RepositoryInventory>;
  /** Where it goes, unless `--to` names a host. */
  readonly toHost?: HostName;
}

/** Undefined where nothing of it was given: then there is a manifest. */
export async function withoutManifest(options: BareOptions, source: string | undefined): Promise<Bare | undefined> {
  if (options.dataset !== undefined) return ofDataset(options.dataset, options.to, source);
  if (options.repository !== undefined) return ofRepository(options, source);
  if (options.passwordFile === undefined) return undefined;
  throw new Failure("--password-file without --repository: the manifest says where its passwords are");
}

/** A source that copies in a repository tell of. */
interface Told {
  readonly address: Address;
  readonly host: HostName;
  readonly place: string;
  readonly copies: readonly RepositoryCopy[];
  /** Holdfast did not make them: they are known by host and path. */
  readonly isForeign: boolean;
}

/** This machine takes the place of the host whose copies they are. */
async function ofRepository(options: BareOptions, source: string | undefined): Promise<Bare> {
  const { passwordFile, repository } = options;
  const remote = await givenRepository({
    ...(typeof repository === "string" && { repository }),
    ...(passwordFile !== undefined && { passwordFile }),
  });
  if (remote === undefined)
    throw new Failure("which repository?", { hint: "--repository REPO, or RESTIC_REPOSITORY in the environment" });
  const seen = await lookInto(remote, options);
  const told = await toldBy(seen.copies);
  const host = hostMeant(told, source, options.all);
  const own = told.filter((one) => one.host === host);
  const entry = { keep: { daily: "all" }, remotes: { [GIVEN]: {} } };
  const entries = (of: readonly Told[]) => Object.fromEntries(of.map(({ place }) => [place, entry]));
  const adopt = own.flatMap(({ isForeign, place }) => (isForeign ? [{ host, path: place, type: "daily" }] : []));
  const manifest = await assumedManifest(
    {
      remotes: { [GIVEN]: { ...remote, ...(adopt.length > 0 && { adopt }) } },
      datasets: entries(own.filter(({ place }) => !place.startsWith("/"))),
      directories: entries(own.filter(({ place }) => place.startsWith("/"))),
    },
    host,
  );
  return { manifest, ...(source !== undefined && { source }), request: {}, seen: new Map([[GIVEN, seen]]) };
}

async function lookInto(
  remote: object,
  options: GlobalOptions,
): Promise<Extract<RepositoryInventory, { state: "observed" }>> {
  const probe = await assumedManifest({ remotes: { [GIVEN]: remote } });
  const { openRepository } = await import("../remotes/restic/restic.ts");
  const interruption = onInterrupt();
  const hosts = await connect(probe, options);
  const repository = probe.remotes.get(GIVEN) as Repository;
  try {
    const means = { hosts, env: process.env, signal: interruption.signal };
    const found = await openRepository({ repository, host: probe.self as HostName }, means).list({ copiesOnly: true });
    if (interruption.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    if (found.state === "observed") return found;
    throw found.state === "absent"
      ? new Failure("there is no repository", { hint: "look at the address: --repository, or RESTIC_REPOSITORY" })
      : new Failure(found.reason, found.hint === undefined ? {} : { hint: found.hint });
  } finally {
    interruption.release();
    await hosts.close();
  }
}

async function toldBy(copies: readonly RepositoryCopy[]): Promise<Told[]> {
  const { isRecord, marksOf } = await import("../remotes/restic/tags.ts");
  const told = new Map<Address, Told>();
  const add = (of: Address, host: HostName, place: string, isForeign: boolean, copy: RepositoryCopy): void => {
    const known = told.get(of);
    told.set(of, { address: of, host, place, isForeign, copies: [...(known?.copies ?? []), copy] });
  };
  for (const copy of copies) {
    const marks = marksOf(copy);
    const [path, ...others] = copy.paths;
    const host = copy.host as HostName;
    if (marks) {
      const owner = marks.source.slice(0, marks.source.indexOf(":")) as HostName;
      add(marks.source, owner, marks.source.slice(owner.length + 1), false, copy);
    } else if (!isRecord(copy) && path?.startsWith("/") && others.length === 0) {
      const of = `${host}:${path}` as Address;
      if (told.get(of)?.isForeign !== false) add(of, host, path, true, copy);
    }
  }
  return [...told.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

function hostMeant(told: readonly Told[], source: string | undefined, all: true | string | undefined): HostName {
  if (told.length === 0)
    throw new Failure("no copy in this repository can be restored: none is of one folder or dataset");
  const hosts = [...new Set(told.map(({ host }) => host))];
  const [only, ...others] = hosts;
  if (all !== undefined) {
    const named = hosts.find((host) => host === all);
    if (named !== undefined) return named;
    if (all === true && only !== undefined && others.length === 0) return only;
    throw new Failure(all === true ? "all of which host?" : `there are no copies of ${visible(all)}`, {
      hint: `holdfast restore --repository … --all HOST; hosts: ${hosts.join(", ")}`,
    });
  }
  if (source === undefined)
    throw new Failure("which of its sources is to be restored?", { hint: `it has ${inWords(told)}` });
  const [text = ""] = source.startsWith("/") ? [source] : source.split("@", 1);
  const fitting = told.filter((one) => one.address === text || one.place === text.replace(/(?<=.)\/+$/, ""));
  const [first, ...more] = fitting;
  if (first === undefined)
    throw new Failure(`there is no copy of ${visible(source)} in this repository`, { hint: `it has ${inWords(told)}` });
  if (more.length === 0) return first.host;
  throw new Failure(`${visible(source)} of which host?`, {
    hint: `write ${fitting.map((one) => visible(one.address)).join(" or ")}`,
  });
}

const MOST_NAMED = 20;

function inWords(told: readonly Told[]): string {
  const named = told.slice(0, MOST_NAMED).map((one) => {
    const newest = one.copies.at(-1)?.time.slice(0, 16).replace("T", " ");
    return `${visible(one.address)} (${one.copies.length}, newest ${newest})`;
  });
  const more = told.length - named.length;
  return `${named.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}

/** The copy stands for its source: it is brought beside itself, or to where `--to` says. */
async function ofDataset(text: string, to: string | undefined, source: string | undefined): Promise<Bare> {
  if (source !== undefined)
    throw new Failure(`--dataset names what is to be restored: leave ${visible(source)} out`, {
      hint: "where it goes: --to DATASET",
    });
  const [, user, machine, name = "", snapshot] = /^(?:(?:([^@:/]+)@)?([^:/@]+):)?([^@]+)(?:@(.+))?$/.exec(text) ?? [];
  if (name === "" || name.startsWith("/"))
    throw new Failure(`--dataset ${visible(text)} is no dataset`, {
      hint: "such as usb/backups/tank/data, or root@vault:pool/backups/nas/tank/data over SSH",
    });
  const self = hostname() as HostName;
  const isHere = machine === undefined || machine === self;
  const host = isHere ? self : (machine as HostName);
  if (!isHere && to === undefined)
    throw new Failure("where is it to be restored on this machine?", { hint: "--to DATASET, or --to DIR with --path" });
  const manifest = await assumedManifest({
    ...(!isHere && { hosts: { [self]: {}, [host]: { address: host, ...(user !== undefined && { user }) } } }),
    datasets: { [isHere ? name : `${host}:${name}`]: { recursive: true, keep: { daily: 1 } } },
  });
  return {
    manifest,
    source: address(host, name as DatasetName),
    toHost: self,
    request: { ofCopy: true, from: OWN_SNAPSHOTS, ...(snapshot !== undefined && { snapshot }) },
  };
}
