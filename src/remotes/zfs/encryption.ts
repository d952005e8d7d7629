import type { Dataset } from "../../model/inventory.ts";
import type { StreamOptions } from "../../model/plan.ts";
import type { DatasetName } from "../../model/units.ts";
import { isDue, takenTypes } from "../../planner/create.ts";
import { parentOf } from "../../planner/observed.ts";
import { isCounted, keepsType, retain } from "../../planner/retention.ts";
import { viewsOf } from "../../planner/view.ts";
import type { Finding } from "./blocked.ts";
import type { Facts } from "./facts.ts";
import { isPlaceholder } from "./placeholder.ts";

/** How a stream is encrypted on its way, and what is received of it. */
export interface Encryption {
  readonly raw: boolean;
  readonly received?: StreamOptions["encryption"];
}

/**
 * Raw or plaintext, how it is received, and whether the two sides allow it. What a copy began as, it stays; `target` is
 * undefined where the copy is made anew.
 */
export function chooseStream(
  facts: Facts,
  target: Dataset | undefined,
): { readonly encryption: Encryption; readonly problem?: Finding } {
  const { remote } = facts.copy;
  const source = facts.local.dataset;
  const hasSnapshots = (target?.snapshots.length ?? 0) > 0;
  const encrypted = source.encryption !== "off";
  const raw = encrypted && remote.raw !== "never";
  const above = target ? undefined : encryptedAbove(facts);
  const received = raw ? undefined : receivedAs(target, above);
  const encryption: Encryption = { raw, ...(received && { received }) };
  const refuse = (message: string, advice: string, remedies: Finding["remedies"] = []) => ({
    encryption,
    problem: { reason: "encryption" as const, message, evidence: [], remedies, advice: [advice] },
  });
  if (remote.raw === "always" && !encrypted) {
    return refuse(
      "the remote takes raw streams only and the source is not encrypted",
      `set \`raw: auto\` on ${remote.name} to send it in plaintext`,
    );
  }
  if (encrypted && !raw && source.keystatus === "unavailable") {
    return refuse(
      "its key must be loaded for a plaintext stream",
      `load it: zfs load-key ${source.encryptionroot ?? source.name}`,
    );
  }
  const makesParents = above !== undefined && above !== "raw copy" && parentOf(facts.at.dataset) !== above.name;
  if (
    !target &&
    above !== undefined &&
    above !== "raw copy" &&
    above.keystatus === "unavailable" &&
    (!raw || makesParents)
  ) {
    return refuse(
      `nothing can be made below ${above.name} there while its key is not loaded`,
      `load it there: zfs load-key ${above.encryptionroot ?? above.name}`,
    );
  }
  if (!target) return { encryption };
  const targetEncrypted = target.encryption !== "off";
  if (targetEncrypted && isPlaceholder(target) && !target.resume) {
    return refuse(
      "the empty parent made there is encrypted, and nothing can be received over an encrypted dataset",
      `rename it aside there, apply, and move the datasets below it back: zfs rename ${target.name} ${target.name}-old`,
      ["replace"],
    );
  }
  if (raw && !targetEncrypted && (hasSnapshots || !target.resume)) {
    return refuse(
      hasSnapshots
        ? "the copy is plaintext and the source is encrypted: a raw stream cannot continue it"
        : "a raw stream cannot be received over an unencrypted dataset",
      hasSnapshots
        ? `set \`raw: never\` on ${remote.name}, or give it a new target`
        : `destroy or rename the empty ${target.name} there`,
      ["replace"],
    );
  }
  if (encrypted && !raw && targetEncrypted && target.encryptionroot === target.name && hasSnapshots) {
    return refuse(
      "the copy is raw: a plaintext stream would spoil it for every later raw one",
      `set \`raw: auto\` on ${remote.name}`,
    );
  }
  if (!raw && targetEncrypted && target.keystatus === "unavailable") {
    return refuse(
      "the target's key must be loaded to receive plaintext",
      `load it there: zfs load-key ${target.encryptionroot ?? target.name}`,
    );
  }
  return { encryption };
}

/** The nearest dataset above the target that is encrypted, or that this plan makes by a raw stream. */
function encryptedAbove(facts: Facts): Dataset | "raw copy" | undefined {
  const { context, at } = facts;
  const there = context.observations.datasets(at.host);
  for (let name = parentOf(at.dataset); name !== undefined; name = parentOf(name)) {
    const dataset = there.get(name);
    if (dataset?.encryption === "off") return undefined;
    if (isSentRaw(facts, name)) return "raw copy";
    if (dataset) return dataset;
  }
  return undefined;
}

/** A copy that is there and was received, or one that this plan has something to send for. */
function isSentRaw({ context, at }: Facts, target: string): boolean {
  const found = context.copies.get(`${at.host}:${target}`);
  if (!found || found.copy.remote.raw === "never") return false;
  const source = context.observations.look(found.source.host, found.source.dataset);
  if (source.state !== "present" || source.dataset.encryption === "off") return false;
  const there = context.observations.datasets(at.host).get(target as DatasetName);
  if (there) return there.snapshots.length > 0 || there.resume !== undefined;
  const views = viewsOf(source.dataset, context.classify);
  const verdict = retain(found.copy.keep, views, context.now, context.manifest.timezone);
  return (
    verdict.some(isCounted) ||
    takenTypes(context, found.source).some(
      (type) => keepsType(found.copy.keep, type.name) && isDue(context, type, views),
    )
  );
}

/**
 * Below a dataset that somebody encrypted, a plain stream is encrypted, too: left to itself, ZFS makes it as it was at
 * the source, plaintext. Below a raw copy the layout is that of the source, where this one is plaintext.
 */
function receivedAs(
  target: Dataset | undefined,
  above: ReturnType<typeof encryptedAbove>,
): StreamOptions["encryption"] {
  if (target) return target.encryption === "off" ? undefined : "inherit";
  if (above === undefined) return undefined;
  return above === "raw copy" ? "off" : "inherit";
}
