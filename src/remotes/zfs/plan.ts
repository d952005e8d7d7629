import type { Dataset } from "../../model/inventory.ts";
import type {
  At,
  Blocked,
  BookmarkOperation,
  DiscardOperation,
  KeptReason,
  Note,
  Operation,
  OperationId,
  Precondition,
  ReplaceOperation,
  ResumeOperation,
  RollbackOperation,
  SendOperation,
  StreamOptions,
} from "../../model/plan.ts";
import type { Bytes, DatasetName, Guid } from "../../model/units.ts";
import type { PlanContext } from "../../planner/context.ts";
import { parentOf, poolOf } from "../../planner/observed.ts";
import { isCounted, retain, type Why } from "../../planner/retention.ts";
import type { Copy, Source } from "../../planner/sources.ts";
import { arriving, destroyed, refOf, type View, viewsOf } from "../../planner/view.ts";
import { type Base, findBase } from "./base.ts";
import { blockedCopy, type Finding } from "./blocked.ts";
import { chooseStream } from "./encryption.ts";
import { isPlaceholder } from "./placeholder.ts";
import { ranges } from "./ranges.ts";

/** The source's side as a copy's plan needs it. */
export interface LocalSide {
  readonly dataset: Dataset;
  /** By createtxg, the creates of this plan last. */
  readonly views: readonly View[];
  readonly creates: readonly OperationId[];
}

/** What becomes of one copy: its operations, and what both sides must keep because of it. */
export interface CopyPlan {
  readonly copy: Copy;
  readonly state: "planned" | "blocked" | "away";
  readonly operations: readonly Operation[];
  readonly blocked?: Blocked;
  readonly notes: readonly Note[];
  /** The remote's side after the transfers, by its createtxg; empty where it is absent or away. */
  readonly after: readonly View[];
  readonly dataset?: Dataset;
  /** The dataset is made, or made anew, by this plan. */
  readonly made: boolean;
  /** Newest snapshot that both sides have afterwards. */
  readonly base?: Base;
  /** Snapshots of the source that must stay for this copy, by `View.key`. */
  readonly pins: ReadonlyMap<string, Why>;
}

/**
 * Rule 2 for one copy on a ZFS remote: what goes there, from which base, and what is in the way.
 * A copy outside this process's scope is planned all the same, for what it pins, and its operations dropped.
 */
export function planCopy(context: PlanContext, source: Source, local: LocalSide, copy: Copy): CopyPlan {
  const observed = context.observations.look(copy.host, copy.target);
  if (observed.state === "unobserved") {
    return { copy, state: "away", operations: [], notes: [], after: [], made: false, pins: new Map() };
  }
  const target = observed.state === "present" ? observed.dataset : undefined;
  const plan = new CopyPlanner(context, source, local, copy, target).plan();
  if (context.scope.copies(source.host, copy.remote)) return plan;
  return outOfScope(plan, local);
}

/** Somebody else transfers: the source keeps what is still to go. */
function outOfScope(plan: CopyPlan, local: LocalSide): CopyPlan {
  const there = new Set(plan.dataset?.snapshots.map(({ guid }) => guid as string));
  const pins = new Map(plan.pins);
  const remote = plan.copy.remote.name;
  for (const view of plan.after) {
    if (!there.has(view.key)) pins.set(view.key, { reason: "waiting", detail: `${remote} has yet to get it` });
  }
  const base = findBase(local, plan.dataset);
  if (base) pins.set(base.view.key, { reason: "base", detail: `newest shared with ${remote}` });
  const { base: _, ...rest } = plan;
  const after = plan.after.filter((view) => there.has(view.key));
  return { ...rest, operations: [], after, pins, ...(base && { base }) };
}

class CopyPlanner {
  readonly #context: PlanContext;
  readonly #source: Source;
  readonly #local: LocalSide;
  readonly #copy: Copy;
  readonly #target: Dataset | undefined;
  readonly #from: At;
  readonly #at: At;
  readonly #operations: Operation[] = [];
  readonly #notes: Note[] = [];
  readonly #pins = new Map<string, Why>();

  constructor(context: PlanContext, source: Source, local: LocalSide, copy: Copy, target: Dataset | undefined) {
    this.#context = context;
    this.#source = source;
    this.#local = local;
    this.#copy = copy;
    this.#target = target;
    this.#from = { host: source.host, dataset: source.dataset };
    this.#at = { host: copy.host, dataset: copy.target };
  }

  plan(): CopyPlan {
    const remote = viewsOf(this.#target, this.#context.classify);
    const base = findBase(this.#local, this.#target);
    const stream = chooseStream(this.#copy.remote, this.#local.dataset, this.#target);
    const found = this.#obstacle(remote, base, stream.raw) ?? stream.problem;
    if (!found) return this.#transfer(remote, base, stream.raw);
    const remedy = this.#context.consents.remedy(this.#source.address, this.#copy.remote.name);
    if (!remedy || !found.remedies.includes(remedy)) return this.#blocked(remote, base, found);
    return remedy === "rollback"
      ? this.#rollback(remote, base, stream.raw, found)
      : this.#replace(remote, base, stream.raw, found);
  }

  /** What keeps the copy from being transferred to or thinned; none of it goes away by itself. */
  #obstacle(remote: readonly View[], base: Base | undefined, raw: boolean): Finding | undefined {
    const target = this.#target;
    if (!target) return undefined;
    if (target.type !== this.#local.dataset.type && !isPlaceholder(target)) {
      return this.#finding(
        "occupied",
        `there is a ${target.type}, the source is a ${this.#local.dataset.type}`,
        [],
        ["replace"],
      );
    }
    if (remote.length === 0) {
      if (target.resume || isPlaceholder(target)) return undefined;
      return this.#finding(
        "occupied",
        `there is a dataset without snapshots that Holdfast did not make (${target.referenced} bytes): that data is somebody's`,
        [],
        ["replace"],
      );
    }
    if (!base) {
      return this.#finding("no-common-base", "the two sides share no snapshot", this.#renameEvidence(remote), [
        "replace",
      ]);
    }
    const extras = remote.slice(base.remoteIndex + 1);
    const written = extras.filter((view) => (view.snapshot?.written ?? 0) > 0);
    const evidence = extras.map(
      (view) => `@${view.name} (guid ${view.key}, ${view.snapshot?.written ?? 0} bytes) exists only there`,
    );
    const since = `base @${base.view.name} (guid ${base.view.key})`;
    if (written.length > 0 || (raw && extras.length > 0)) {
      const count = extras.length === 1 ? "1 snapshot exists" : `${extras.length} snapshots exist`;
      return this.#finding("diverged", `diverged: ${count} only there`, [since, ...evidence], ["rollback", "replace"]);
    }
    if (target.written > 0) {
      const newest = remote.at(-1) as View;
      return this.#finding(
        "modified",
        `modified: ${target.written} bytes were written there since @${newest.name}`,
        [`@${newest.name} (guid ${newest.key}) is its newest snapshot`, since],
        ["rollback", "replace"],
      );
    }
    return undefined;
  }

  #finding(reason: Finding["reason"], message: string, evidence: string[], remedies: Finding["remedies"]): Finding {
    return { reason, message, evidence, remedies };
  }

  /** Where the guids of one side turn up elsewhere, this is a rename rather than a stranger. */
  #renameEvidence(remote: readonly View[]): string[] {
    const newest = remote.at(-1);
    const ours = this.#local.views.findLast((view) => view.snapshot);
    const evidence = [
      ...(newest ? [`newest there: @${newest.name} (guid ${newest.key})`] : []),
      ...(ours ? [`newest here: @${ours.name} (guid ${ours.key})`] : []),
    ];
    const there = new Set(remote.map(({ key }) => key));
    const here = new Set(this.#local.views.map(({ key }) => key));
    const search = (host: At, guids: ReadonlySet<string>) => {
      for (const dataset of this.#context.observations.datasets(host.host).values()) {
        if (dataset.name === host.dataset) continue;
        if (dataset.snapshots.some(({ guid }) => guids.has(guid))) return dataset.name;
      }
      return undefined;
    };
    const renamedSource = search(this.#from, there);
    if (renamedSource)
      evidence.push(`this looks like a rename: ${this.#from.host}:${renamedSource} has the guids of this copy`);
    const renamedCopy = search(this.#at, here);
    if (renamedCopy)
      evidence.push(`this looks like a rename: ${this.#at.host}:${renamedCopy} has the guids of this source`);
    return evidence;
  }

  /** No operation at all: what the remote waits for and its base stay at the source. */
  #blocked(remote: readonly View[], base: Base | undefined, finding: Finding): CopyPlan {
    const newer = this.#newerThan(base);
    const waiting = this.#counted(newer, newer);
    const there = new Set(remote.map(({ key }) => key));
    for (const view of waiting)
      this.#pins.set(view.key, { reason: "waiting", detail: `${this.#copy.remote.name} is blocked` });
    if (base) this.#pinBase(base);
    this.#pinToken();
    const missing = waiting.filter((view) => !there.has(view.key));
    const bytes = missing.reduce((sum, view) => sum + (view.snapshot?.written ?? 0), 0) as Bytes;
    return this.#result("blocked", remote, base, {
      blocked: blockedCopy(this.#source, this.#copy, finding, { snapshots: missing.length, bytes }),
    });
  }

  #rollback(remote: readonly View[], base: Base | undefined, raw: boolean, finding: Finding): CopyPlan {
    const newest = remote.at(-1);
    const to = finding.reason === "modified" ? newest : base && remote[base.remoteIndex];
    if (!to || !base) return this.#blocked(remote, base, finding);
    const extras = remote.slice(remote.indexOf(to) + 1);
    const refusal = this.#mayRollBack(extras, finding);
    if (refusal) return this.#blocked(remote, base, refusal);
    const discard = this.#target?.resume ? this.#discard(this.#target) : undefined;
    const destroys = extras.map(destroyed);
    const operation: RollbackOperation = {
      ...this.#operation("rollback", to.name),
      kind: "rollback",
      reason: `${finding.message}; rollback was asked for`,
      dependsOn: discard ? [discard.id] : [],
      preconditions: [
        this.#targetIs(),
        { ...this.#at, kind: "snapshot", snapshot: refOf(to) },
        ...extras.map((view): Precondition => ({ ...this.#at, kind: "snapshot", snapshot: refOf(view) })),
      ],
      to: refOf(to),
      destroys,
      bytes: destroys.reduce((sum, { used }) => sum + used, this.#target?.written ?? 0) as Bytes,
    };
    if (discard) this.#operations.push(discard);
    this.#operations.push(operation);
    return this.#transfer(remote.slice(0, remote.indexOf(to) + 1), base, raw, { discarded: true });
  }

  #mayRollBack(extras: readonly View[], finding: Finding): Finding | undefined {
    if (this.#copy.remote.deletions === "never") {
      return {
        ...finding,
        evidence: [...finding.evidence, "the remote is append-only (deletions: never), so nothing is rolled back"],
        remedies: ["replace"],
      };
    }
    const { above } = this.#context.manifest.guards.destroyAtMost;
    if (
      extras.length > above &&
      extras.length > this.#context.consents.allowed(this.#source.address, this.#copy.remote.name)
    ) {
      return {
        ...finding,
        reason: "remedy",
        message: `rollback would destroy ${extras.length} snapshots, more than guards.destroyAtMost.above (${above})`,
        remedies: ["replace"],
        advice: [
          `holdfast apply --resolve ${this.#copy.remote.name}=rollback --allow-destroy ${extras.length} --target ${this.#source.address}`,
        ],
      };
    }
    const tied = extras
      .map((view) => withoutReceive(view, this.#at.dataset))
      .filter((view) => view.snapshot?.holds || view.snapshot?.clones);
    if (tied.length === 0) return undefined;
    return {
      ...finding,
      reason: "remedy",
      message: `rollback would destroy what is held or cloned: ${tied.map((view) => `@${view.name}`).join(", ")}`,
      evidence: [
        ...finding.evidence,
        ...tied.map(
          (view) =>
            `@${view.name}: ${[...(view.snapshot?.holds ?? []).map((tag) => `hold ${tag}`), ...(view.snapshot?.clones ?? []).map((clone) => `clone ${clone}`)].join(", ")}`,
        ),
      ],
    };
  }

  #replace(remote: readonly View[], base: Base | undefined, raw: boolean, finding: Finding): CopyPlan {
    const target = this.#target;
    if (!target) return this.#blocked(remote, base, finding);
    const children = [...this.#context.observations.datasets(this.#at.host).keys()].filter((name) =>
      name.startsWith(`${target.name}/`),
    );
    if (children.length > 0) {
      return this.#blocked(remote, base, {
        ...finding,
        reason: "remedy",
        message: "replace would move the datasets below it along",
        evidence: [...finding.evidence, ...children.map((child) => `${this.#at.host}:${child} is below it`)],
      });
    }
    if (this.#wanted([], undefined).length === 0) {
      return this.#blocked(remote, base, {
        ...finding,
        message: `${finding.message}; there is nothing to send that could replace it`,
      });
    }
    const stamp = new Date(this.#context.now * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
    const operation: ReplaceOperation = {
      ...this.#operation("replace", target.name),
      kind: "replace",
      reason: `${finding.message}; replace was asked for`,
      dependsOn: [],
      preconditions: [this.#targetIs()],
      renameTo: `${target.name}-replaced-${stamp}` as DatasetName,
    };
    this.#operations.push(operation);
    return this.#transfer([], undefined, raw, { discarded: true, replaced: true });
  }

  /** Resume or discard what is half received, then send what is wanted. */
  #transfer(
    remote: readonly View[],
    base: Base | undefined,
    raw: boolean,
    done: { readonly discarded?: boolean; readonly replaced?: boolean } = {},
  ): CopyPlan {
    // what is half received is gone on with or thrown away: its base is no clone's origin then
    let there = this.#target?.resume ? remote.map((view) => withoutReceive(view, this.#at.dataset)) : remote;
    let from = base;
    let isThere = this.#target !== undefined && !done.replaced;
    const placeholder = isThere && this.#target !== undefined && isPlaceholder(this.#target);
    const partial = this.#target?.resume;
    if (partial && !done.discarded) {
      const problem = this.#resumeProblem(this.#target as Dataset, remote, base, raw);
      if (problem === undefined) {
        const arrived = this.#resume(this.#target as Dataset, base, raw, placeholder);
        there = [...there, arriving(arrived)];
        from = { view: arrived, txg: arrived.snapshot?.createtxg as Base["txg"], remoteIndex: there.length - 1 };
      } else {
        const refusal = this.#mayDiscard(problem);
        if (refusal) return this.#blocked(remote, base, refusal);
        this.#operations.push(this.#discard(this.#target as Dataset, problem));
        if (remote.length === 0 && !placeholder) isThere = false;
      }
    }
    const wanted = this.#wanted(there, from);
    const clash = this.#nameClash(there, wanted);
    if (clash) {
      this.#operations.length = 0;
      return this.#blocked(remote, base, clash);
    }
    const arrived = this.#send(wanted, there, from, raw, { isThere, placeholder });
    there = [...there, ...arrived.map(arriving)];
    const last = arrived.at(-1);
    const after = last
      ? { view: last, txg: last.snapshot?.createtxg as Base["txg"], remoteIndex: there.length - 1 }
      : from;
    if (after) {
      this.#pinBase(after);
      this.#bookmark(after);
    }
    return this.#result("planned", there, after, { made: remote.length === 0 });
  }

  /** The newest N of each type that the remote keeps, of what it has and what is newer than the base. */
  #wanted(there: readonly View[], base: Base | undefined): readonly View[] {
    const newer = this.#newerThan(base);
    return this.#counted(newer, [...there, ...newer]);
  }

  #newerThan(base: Base | undefined): readonly View[] {
    const { views } = this.#local;
    return base ? views.filter((view) => !view.snapshot || view.snapshot.createtxg > base.txg) : views;
  }

  /** Those of `views`, the last of `among`, that the remote's keep counts among all. */
  #counted(views: readonly View[], among: readonly View[]): readonly View[] {
    if (views.length === 0) return [];
    const verdict = retain(this.#copy.keep, among, this.#context.now, this.#context.manifest.timezone);
    const first = among.length - views.length;
    return views.filter((_, index) => isCounted(verdict[first + index]));
  }

  #nameClash(there: readonly View[], wanted: readonly View[]): Finding | undefined {
    if (wanted.length === 0) return undefined;
    const asked = new Set(wanted.map(({ name }) => name));
    const guids = new Map<string, string>();
    for (const { name, key } of there) if (asked.has(name)) guids.set(name, key);
    const clashes = wanted.filter((view) => guids.has(view.name) && guids.get(view.name) !== view.key);
    if (clashes.length === 0) return undefined;
    const names = clashes.map((view) => `@${view.name}`).join(", ");
    return {
      reason: "name-conflict",
      message: `other snapshots have the names of those to send: ${names}`,
      evidence: clashes.map((view) => `@${view.name}: guid ${view.key} here, guid ${guids.get(view.name)} there`),
      remedies: [],
      advice: clashes.map(
        (view) =>
          `rename one of the two, e.g. zfs rename ${this.#at.dataset}@${view.name} ${this.#at.dataset}@${view.name}-other`,
      ),
    };
  }

  /** Why the half-received stream cannot be gone on with; `undefined` when it can. */
  #resumeProblem(target: Dataset, remote: readonly View[], base: Base | undefined, raw: boolean): string | undefined {
    const content = target.resume?.content;
    if (!content) return "the token could not be read";
    if (!content.usable) return content.problem ?? "the source can no longer produce the stream";
    const to = this.#local.views.find((view) => view.key === content.toGuid);
    if (!to) return `its snapshot (guid ${content.toGuid}) is gone at the source`;
    if (content.raw !== raw) return content.raw ? "it is raw, which is no longer asked for" : "it is not raw";
    if (content.fromGuid === undefined)
      return remote.length > 0 ? "it is a full stream and there are snapshots" : undefined;
    if (content.fromGuid !== base?.view.key) return "its base is not the newest shared snapshot";
    if (base.remoteIndex !== remote.length - 1) return "another snapshot follows its base there";
    if (this.#wanted(remote, base)[0]?.key !== to.key) return `@${to.name} is not the next one wanted`;
    return undefined;
  }

  #mayDiscard(problem: string): Finding | undefined {
    const content = this.#target?.resume?.content;
    if (content && this.#copy.remote.deletions !== "never") return undefined;
    return {
      reason: "partial-receive",
      message: `a half-received stream cannot be resumed: ${problem}`,
      evidence: content ? [`${content.toName} (guid ${content.toGuid}), ${content.bytes} bytes received`] : [],
      remedies: [],
      advice: content
        ? [`the remote is append-only: have its admin run zfs receive -A ${this.#at.dataset}`]
        : [
            "make the source reachable, so that the token can be read",
            `or throw it away by hand: zfs receive -A ${this.#at.dataset}`,
          ],
    };
  }

  #resume(target: Dataset, base: Base | undefined, raw: boolean, replacesPlaceholder: boolean): View {
    const content = target.resume?.content as NonNullable<NonNullable<Dataset["resume"]>["content"]>;
    const to = this.#local.views.find((view) => view.key === content.toGuid) as View;
    const full = content.fromGuid === undefined;
    const operation: ResumeOperation = {
      ...this.#operation("resume", to.name),
      ...this.#stream(raw),
      kind: "resume",
      reason: "a transfer was cut",
      dependsOn: [],
      preconditions: [
        { ...this.#from, kind: "snapshot", snapshot: refOf(to) },
        { ...this.#at, kind: "token", token: target.resume?.token ?? null },
        { ...this.#at, kind: "follows", base: full || !base ? null : refOf(base.view), extras: [] },
      ],
      token: target.resume?.token ?? "",
      to: refOf(to),
      base: full ? null : { guid: content.fromGuid as Guid },
      received: content.bytes,
      ...(content.remaining !== undefined && { remaining: content.remaining }),
      replacesPlaceholder,
      mayDiscard: this.#copy.remote.deletions !== "never",
    };
    this.#operations.push(operation);
    return to;
  }

  #discard(target: Dataset, problem = "the copy is rolled back"): DiscardOperation {
    const content = target.resume?.content;
    return {
      ...this.#operation("discard", target.name),
      kind: "discard",
      reason: `the half-received ${content?.toName ?? "stream"} cannot be resumed: ${problem}`,
      dependsOn: [],
      preconditions: [this.#targetIs(), { ...this.#at, kind: "token", token: target.resume?.token ?? null }],
      bytes: content?.bytes ?? (0 as Bytes),
    };
  }

  /** One operation a stream; each waits for the one before. Returns what arrives. */
  #send(
    wanted: readonly View[],
    there: readonly View[],
    base: Base | undefined,
    raw: boolean,
    target: { readonly isThere: boolean; readonly placeholder: boolean },
  ): readonly View[] {
    const extras = base ? there.slice(base.remoteIndex + 1).map((view) => view.key as Guid) : [];
    let previous = base?.view;
    let bookmark = base?.bookmark;
    for (const range of ranges(this.#local.views, wanted, base)) {
      const to = range.at(-1) as View;
      const first = previous === base?.view;
      const operation: SendOperation = {
        ...this.#operation("send", to.name),
        ...this.#stream(raw),
        kind: "send",
        reason: previous ? `${this.#copy.remote.name} keeps it` : "first copy: the oldest that is kept there",
        dependsOn: [
          ...this.#operations.slice(-1).map(({ id }) => id),
          ...range.flatMap((view) => view.createdBy ?? []),
        ],
        preconditions: [
          { ...this.#from, kind: "snapshot", snapshot: refOf(to) },
          ...(previous ? [this.#baseAtSource(previous, bookmark)] : []),
          ...this.#targetReady(first, previous, extras, target),
        ],
        base: previous ? { ...refOf(previous), ...(bookmark !== undefined && { bookmark }) } : null,
        to: refOf(to),
        snapshots: range.map(refOf),
        estimate: this.#estimate(range, previous === undefined),
        createParents: previous || target.isThere ? [] : this.#missingParents(),
        replacesPlaceholder: previous === undefined && target.placeholder,
      };
      this.#operations.push(operation);
      previous = to;
      bookmark = undefined;
    }
    return wanted;
  }

  #baseAtSource(view: View, bookmark: string | undefined): Precondition {
    return bookmark === undefined
      ? { ...this.#from, kind: "snapshot", snapshot: refOf(view) }
      : { ...this.#from, kind: "present", snapshot: refOf(view), bookmark: true };
  }

  #targetReady(
    first: boolean,
    previous: View | undefined,
    extras: readonly Guid[],
    target: { readonly isThere: boolean; readonly placeholder: boolean },
  ): Precondition[] {
    if (previous) {
      return [
        { ...this.#at, kind: "follows", base: refOf(previous), extras: first ? extras : [] },
        { ...this.#at, kind: "token", token: null },
      ];
    }
    if (target.placeholder && this.#target) return [{ ...this.#at, kind: "placeholder", guid: this.#target.guid }];
    return [{ ...this.#at, kind: "absent" }];
  }

  /** What `written` says; the first stream carries all that its snapshot refers to. */
  #estimate(range: readonly View[], full: boolean): Bytes {
    const { dataset, views } = this.#local;
    const sizes = range.map((view, index) => {
      if (full && index === 0) return view.snapshot?.referenced ?? dataset.referenced;
      if (view.snapshot) return view.snapshot.written;
      // only the first of the snapshots that are taken now can carry what was written since the newest
      return views.find(({ createdBy }) => createdBy !== undefined) === view ? dataset.written : 0;
    });
    return sizes.reduce<number>((sum, size) => sum + size, 0) as Bytes;
  }

  #missingParents(): DatasetName[] {
    const missing: DatasetName[] = [];
    let parent = parentOf(this.#at.dataset);
    while (parent !== undefined && parent !== poolOf(parent)) {
      if (this.#context.observations.datasets(this.#at.host).has(parent)) break;
      missing.unshift(parent);
      parent = parentOf(parent);
    }
    return missing;
  }

  /** The newest shared snapshot stays a base even when the source destroys it. */
  #bookmark(base: Base): void {
    const { name: remote } = this.#copy.remote;
    const guid = base.view.createdBy === undefined ? base.view.key : undefined;
    const existing = this.#local.dataset.bookmarks.find(
      (bookmark) => bookmark.name === bookmarkName(remote, guid ?? ""),
    );
    if (existing?.guid === guid && guid !== undefined) return;
    const operation: BookmarkOperation = {
      ...this.#operation("bookmark", base.view.name),
      at: this.#from,
      kind: "bookmark",
      reason: `base of the next increment to ${remote}`,
      dependsOn: this.#operations.slice(-1).map(({ id }) => id),
      preconditions: [
        this.#baseAtSource(base.view, base.bookmark),
        { ...this.#at, kind: "present", snapshot: refOf(base.view), bookmark: false },
      ],
      // the guid of a snapshot that is not taken yet is filled in by whoever takes it
      bookmark: bookmarkName(remote, guid ?? "{guid}"),
      of: refOf(base.view),
      ...(base.bookmark !== undefined && { fromBookmark: base.bookmark }),
    };
    this.#operations.push(operation);
  }

  #pinBase(base: Base): void {
    this.#pins.set(base.view.key, { reason: "base", detail: `newest shared with ${this.#copy.remote.name}` });
  }

  #pinToken(): void {
    const content = this.#target?.resume?.content;
    const pin = (guid: string, detail: string) =>
      this.#pins.set(guid, { reason: "partial-receive" satisfies KeptReason, detail });
    if (content) pin(content.toGuid, `half received by ${this.#copy.remote.name}`);
    if (content?.fromGuid) pin(content.fromGuid, `base of what ${this.#copy.remote.name} half received`);
  }

  #stream(raw: boolean): StreamOptions {
    const { remote } = this.#copy;
    const encrypted = this.#local.dataset.encryption !== "off";
    return {
      from: this.#from,
      datasetType: this.#local.dataset.type,
      raw,
      // zfs refuses to send properties of an encrypted dataset in a plaintext stream
      withProperties: remote.withProperties && (raw || !encrypted),
      properties: remote.properties,
      excludeProperties: remote.excludeProperties,
      compress: remote.compress,
      ...(remote.limit && { limit: remote.limit.upload }),
      runsOn: remote.mode === "pull" ? this.#copy.host : this.#source.host,
    };
  }

  #operation(kind: string, name: string) {
    const remote = this.#copy.remote.name;
    return {
      id: `${kind} ${this.#source.address}@${name} ${remote}`,
      source: this.#source.address,
      remote,
      at: this.#at,
    } as const;
  }

  #targetIs(): Precondition {
    return { ...this.#at, kind: "dataset", guid: this.#target?.guid as Guid };
  }

  #result(
    state: CopyPlan["state"],
    after: readonly View[],
    base: Base | undefined,
    extra: { blocked?: Blocked; made?: boolean },
  ): CopyPlan {
    return {
      copy: this.#copy,
      state,
      operations: this.#operations,
      notes: this.#notes,
      after,
      pins: this.#pins,
      made: false,
      ...(this.#target && { dataset: this.#target }),
      ...(base && { base }),
      ...extra,
    };
  }
}

export const bookmarkName = (remote: string, guid: string): string => `holdfast-${remote}-${guid}`;

/** A snapshot without the clone that a half-received stream makes of its base. */
function withoutReceive(view: View, target: DatasetName): View {
  if (!view.snapshot?.clones?.includes(`${target}/%recv`)) return view;
  const { clones, ...snapshot } = view.snapshot;
  const others = clones.filter((clone) => clone !== `${target}/%recv`);
  return { ...view, snapshot: others.length === 0 ? snapshot : { ...snapshot, clones: others } };
}
