import type { Features, Need } from "../../model/inventory.ts";
import { poolOf } from "../../model/units.ts";
import type { Finding } from "./blocked.ts";
import type { Encryption } from "./encryption.ts";
import type { Facts } from "./facts.ts";

/** What the target's pool cannot hold of what would be sent: its OpenZFS would refuse it at the first record. */
export function missingFeatures(facts: Facts, encryption: Encryption): Finding | undefined {
  const { from, at } = facts;
  const [here, there] = [featuresOf(facts, from), featuresOf(facts, at)];
  if (!here || !there) return undefined;
  const missing = needsOf(facts, encryption, here).filter(
    ({ feature }) => (there[feature] ?? "disabled") === "disabled",
  );
  if (missing.length === 0) return undefined;
  const pool = poolOf(at.dataset);
  const names = missing.map(({ feature }) => feature).join(", ");
  const unknown = missing.filter(({ feature }) => there[feature] === undefined);
  return {
    reason: "feature",
    message: `pool ${pool} on ${at.host} cannot hold what would be sent: it lacks ${names}`,
    evidence: missing.map(
      ({ feature, setting }) =>
        `${feature}: needed by ${from.host}:${from.dataset}, for ${setting}; ${there[feature] ?? "unknown to the OpenZFS"} there`,
    ),
    remedies: [],
    advice: [
      ...(unknown.length > 0 ? [`update OpenZFS on ${at.host}, then the pool there: zpool upgrade ${pool}`] : []),
      ...missing
        .filter(({ feature }) => there[feature] !== undefined)
        .map(({ feature }) => `for good, there: zpool set feature@${feature}=enabled ${pool}`),
    ],
  };
}

const featuresOf = ({ context }: Facts, { host, dataset }: Facts["at"]): Features | undefined => {
  const observed = context.observations.host(host);
  return observed.state === "observed" ? observed.features?.[poolOf(dataset)] : undefined;
};

function needsOf({ local }: Facts, { raw, received }: Encryption, here: Features): readonly Need[] {
  // streams say that they need these two as soon as their pool uses them, whatever is in the dataset
  const always: Need[] = [{ feature: "lz4_compress", setting: "a compressed stream (send -c)" }];
  if (!raw && received !== "inherit") always.push({ feature: "embedded_data", setting: "embedded blocks (send -e)" });
  return [
    ...(raw ? [{ feature: "encryption", setting: "a raw stream (send -w)" }] : []),
    ...always.filter(({ feature }) => here[feature] === "active"),
    ...(local.dataset.needs ?? []),
  ];
}
