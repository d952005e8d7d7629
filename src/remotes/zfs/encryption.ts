import type { Dataset } from "../../model/inventory.ts";
import type { ZfsRemote } from "../../model/manifest.ts";
import type { Finding } from "./blocked.ts";
import { isPlaceholder } from "./placeholder.ts";

/** Raw or plaintext, and whether the two sides allow it. What a copy began as, it stays. */
export function chooseStream(
  remote: ZfsRemote,
  source: Dataset,
  target: Dataset | undefined,
): { readonly raw: boolean; readonly problem?: Finding } {
  const hasSnapshots = (target?.snapshots.length ?? 0) > 0;
  const encrypted = source.encryption !== "off";
  const raw = encrypted && remote.raw !== "never";
  const refuse = (message: string, advice: string, remedies: Finding["remedies"] = []) => ({
    raw,
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
  if (!target) return { raw };
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
  return { raw };
}
