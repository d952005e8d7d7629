import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ServiceSource, ServiceView } from "../model/service.ts";
import type { CopyStatus } from "../model/status.ts";
import { CONDITIONS, KINDS, kindsAt, OUTCOMES, RESULTS, reasonsAt } from "./label-sets.ts";
import { hasCondition, type Place, placesOf } from "./places.ts";
import { createTallies, type Tallies } from "./tallies.ts";

export interface Metrics {
  readonly contentType: string;
  /** As Prometheus scrapes it. From memory: a scrape never touches a host or a repository. */
  text(): Promise<string>;
  /** Stops listening to the service. */
  close(): void;
}

export interface MetricsOptions {
  /** Who scrapes more often gets the same again, whatever has changed; default: 1500 ms. */
  readonly cachedMs?: number;
  /** Called when the text was written anew, which takes memory. */
  readonly onWritten?: () => void;
}

/**
 * What the service knows and counts, as Prometheus has it. Thousands of sources take a while to be written: the text is
 * kept until something changes, and only the text.
 */
export function createMetrics(
  service: Pick<ServiceSource, "view" | "on">,
  { cachedMs = 1500, onWritten }: MetricsOptions = {},
): Metrics {
  /** What is counted as it happens, and what is read anew. */
  const [counted, read] = [new Registry(), new Registry()];
  const view = (): ServiceView => service.view();
  const tallies = createTallies(view());
  registerService(read, view);
  registerSources(read, view, tallies);
  const ends = [...countEvents(counted, read, service), ...keepTallies(service, tallies)];
  let events = 0;
  for (const kind of ["reconciled", "finished", "assessed"] as const) ends.push(service.on(kind, () => events++));
  const write = async (): Promise<string> => {
    const text = `${await read.metrics()}\n${await counted.metrics()}`;
    read.resetMetrics();
    onWritten?.();
    return text;
  };
  let last: { readonly at: number; readonly of: readonly unknown[]; readonly text: Promise<string> } | undefined;
  return {
    contentType: read.contentType,
    text() {
      const at = performance.now();
      const { status, plan, manifest, observeSeconds, lockHeld } = view();
      const of = [status, plan, manifest, observeSeconds, lockHeld, events];
      const isSame = of.every((value, index) => value === last?.of[index]);
      if (last === undefined || (!isSame && at - last.at > cachedMs)) last = { at, of, text: write() };
      return last.text;
    },
    close() {
      for (const end of ends) end();
      counted.clear();
      read.clear();
    },
  };
}

type Labels<Name extends string> = Readonly<Record<Name, string>>;
type Samples<Name extends string> = Iterable<readonly [labels: Labels<Name>, value: number]>;

/** Read anew at each scrape: series of sources that are gone go with them. */
function gauge<Name extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Name[],
  samples: () => Samples<Name>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of samples()) this.set(labels, value);
    },
  });
}

/** The same of what only grows. */
function counter<Name extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Name[],
  samples: () => Samples<Name>,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of samples()) this.inc(labels, value);
    },
  });
}

const one = (value: number): Samples<never> => [[{}, value]];
const bit = (is: boolean): number => (is ? 1 : 0);

function registerService(registry: Registry, view: () => ServiceView): void {
  gauge(registry, "holdfast_build_info", "Always 1; the version that runs.", ["version"], () => [
    [{ version: view().version }, 1],
  ]);
  gauge(registry, "holdfast_manifest_info", "Always 1; the digest of the manifest in force.", ["digest"], () => [
    [{ digest: view().manifest.digest }, 1],
  ]);
  gauge(
    registry,
    "holdfast_manifest_valid",
    "0 while the manifest's file is not valid and an older one is in force.",
    [],
    () => one(bit(view().manifest.valid)),
  );
  gauge(
    registry,
    "holdfast_manifest_reachable",
    "0 while the git repository that is followed cannot be asked for a newer manifest.",
    [],
    () => one(bit(view().manifest.unreachable === undefined)),
  );
  gauge(registry, "holdfast_lock_held", "Whether this process holds the host's lock.", [], () =>
    one(bit(view().lockHeld)),
  );
  gauge(registry, "holdfast_unprotected_datasets", "Datasets that no entry of the manifest speaks of.", [], () =>
    one(view().status?.unprotected ?? 0),
  );
  gauge(registry, "holdfast_observe_duration_seconds", "How long the last look at a host took.", ["host"], () =>
    Object.entries<number>(view().observeSeconds).map(([host, seconds]) => [{ host }, seconds]),
  );
}

const PLACE = ["host", "source", "remote"] as const;

function registerSources(registry: Registry, view: () => ServiceView, tallies: Tallies): void {
  /** One value of each place; undefined has no series. */
  const ofPlaces = (name: string, help: string, value: (place: Place) => number | undefined): void =>
    gauge(registry, name, help, PLACE, function* () {
      for (const place of placesOf(view())) {
        const is = value(place);
        if (is !== undefined) yield [place.labels, is];
      }
    });
  const ofTypes = (name: string, help: string, value: (type: Place["place"]["types"][number]) => number): void =>
    gauge(registry, name, help, [...PLACE, "type"], function* () {
      for (const { labels, place } of placesOf(view()))
        for (const type of place.types) yield [{ ...labels, type: type.type }, value(type)];
    });

  ofTypes(
    "holdfast_newest_copy_timestamp_seconds",
    "Creation of the newest snapshot or copy of a type; 0 where there is none. remote is empty for the source itself.",
    ({ newest = 0 }) => newest,
  );
  ofTypes("holdfast_copies", "Snapshots or copies of a type.", ({ count }) => count);
  ofPlaces("holdfast_overdue", "Whether the newest is older than it may be, or there is none.", ({ place }) =>
    bit(place.overdue),
  );
  ofPlaces(
    "holdfast_waiting_snapshots",
    "What a copy lacks of what it is to have.",
    ({ copy }) => copy?.waiting.snapshots,
  );
  ofPlaces(
    "holdfast_waiting_bytes",
    "The same in bytes written to the source; 0 where files would have to be read.",
    ({ copy }) => copy?.waiting.bytes,
  );
  ofPlaces("holdfast_withheld_deletions", "Deletions that wait until somebody agrees.", ({ place }) => place.withheld);
  ofPlaces(
    "holdfast_last_success_timestamp_seconds",
    "When something last arrived there, or nothing was left to do; 0 where that was never seen.",
    ({ source, copy }) => tallies.lastSuccess(source.source, copy?.remote),
  );
  ofPlaces(
    "holdfast_verify_last_success_timestamp_seconds",
    "When the copies there were last proved to be readable; 0 for never.",
    ({ copy }) => copy && (copy.verified ?? (isToBeVerified(copy) ? 0 : undefined)),
  );
  gauge(registry, "holdfast_condition", "Whether a condition holds.", [...PLACE, "condition"], function* () {
    const now = view();
    for (const place of placesOf(now))
      for (const condition of CONDITIONS)
        yield [{ ...place.labels, condition }, bit(hasCondition(now, place, condition))];
  });
  gauge(registry, "holdfast_blocked", "What is in the way, by reason.", [...PLACE, "reason"], function* () {
    for (const { labels, place, copy, source } of placesOf(view())) {
      const counts = new Map<string, number>(reasonsAt(copy?.kind ?? source.kind).map((reason) => [reason, 0]));
      for (const { reason } of place.blocked) counts.set(reason, (counts.get(reason) ?? 0) + 1);
      for (const [reason, count] of counts) yield [{ ...labels, reason }, count];
    }
  });
  gauge(registry, "holdfast_plan_operations", "What a plan would do now.", ["host", "source", "kind"], () =>
    planned(view()),
  );
  counter(
    registry,
    "holdfast_reconcile_total",
    "Passes over a source, by how they ended.",
    ["host", "source", "result"],
    function* () {
      for (const { host, source } of view().status?.sources ?? [])
        for (const result of RESULTS) yield [{ host, source, result }, tallies.reconciled(source, result)];
    },
  );
  counter(registry, "holdfast_transfer_bytes_total", "Bytes that went to a copy.", PLACE, function* () {
    for (const { labels, copy, source } of placesOf(view()))
      if (copy) yield [labels, tallies.transferred(source.source, copy.remote)];
  });
}

/** A repository can be checked whatever the manifest says; a dataset is read by drills alone. */
const isToBeVerified = ({ kind, verify }: CopyStatus): boolean => kind !== "zfs" || verify !== undefined;

/** By kind, also those of which there are none; work on a whole repository stands under its own name. */
function* planned({ status, plan }: ServiceView): Samples<"host" | "source" | "kind"> {
  const counts = new Map<string, { readonly host: string; readonly kinds: Map<string, number> }>();
  for (const { source, host, kind, copies } of status?.sources ?? []) {
    const kinds = [...kindsAt(kind), ...copies.flatMap((copy) => kindsAt(copy.kind))];
    counts.set(source, { host, kinds: new Map(kinds.map((each) => [each, 0])) });
    for (const { at } of copies)
      if ("repository" in at)
        counts.set(at.repository, { host: at.host, kinds: new Map(kindsAt("repository").map((each) => [each, 0])) });
  }
  for (const { source, kind, at } of plan?.operations ?? []) {
    const { kinds } = counts.get(source) ?? { kinds: new Map<string, number>() };
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (!counts.has(source)) counts.set(source, { host: at.host, kinds });
  }
  for (const [source, { host, kinds }] of counts)
    for (const [kind, count] of kinds) yield [{ host, source, kind }, count];
}

/** Seconds: from a snapshot to a first full copy. */
const BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 21_600, 86_400];

/** What is counted as it happens, of no particular source. */
function countEvents(counted: Registry, read: Registry, service: Pick<ServiceSource, "view" | "on">): (() => void)[] {
  const registers = [counted];
  const passes = new Histogram({
    name: "holdfast_reconcile_duration_seconds",
    help: "How long passes over sources took.",
    buckets: BUCKETS,
    registers,
  });
  const operations = new Counter({
    name: "holdfast_operations_total",
    help: "Operations, by how they ended.",
    labelNames: ["kind", "result"] as const,
    registers,
  });
  const durations = new Histogram({
    name: "holdfast_operation_duration_seconds",
    help: "How long operations took that ran.",
    labelNames: ["kind"] as const,
    buckets: BUCKETS,
    registers,
  });
  for (const kind of KINDS) {
    durations.zero({ kind });
    for (const result of OUTCOMES) operations.inc({ kind, result }, 0);
  }
  const resumes = new Map<string, number>();
  counter(read, "holdfast_resumes_total", "Half-received streams that were gone on with.", ["remote"], function* () {
    const remotes = placesOf(service.view()).flatMap(({ copy }) => (copy?.kind === "zfs" ? [copy.remote] : []));
    for (const remote of new Set<string>([...remotes, ...resumes.keys()])) yield [{ remote }, resumes.get(remote) ?? 0];
  });
  return [
    service.on("reconciled", ({ seconds }) => passes.observe(seconds)),
    service.on("finished", ({ kind, outcome, seconds, remote }) => {
      operations.inc({ kind, result: outcome });
      if (outcome !== "skipped" && outcome !== "stale") durations.observe({ kind }, seconds);
      if (kind === "resume" && outcome === "done" && remote !== undefined)
        resumes.set(remote, (resumes.get(remote) ?? 0) + 1);
    }),
  ];
}

function keepTallies(service: Pick<ServiceSource, "on">, tallies: Tallies): (() => void)[] {
  return [
    service.on("reconciled", (event) => tallies.onReconciled(event)),
    service.on("finished", (report) => tallies.onFinished(report, Math.floor(Date.now() / 1000))),
    service.on("assessed", (event) => tallies.onAssessed(event)),
  ];
}
