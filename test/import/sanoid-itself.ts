/** What sanoid would destroy, written down once more and as plainly as its own code: dataset by dataset, setting by setting. */

type Settings = Record<string, string | undefined>;
export interface SanoidSection {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
}

const DEFAULTS: Settings = { autosnap: "yes", autoprune: "yes", hourly: "48", daily: "90", weekly: "0", monthly: "6" };
export const PERIODS: Readonly<Record<string, number>> = {
  hourly: 3600,
  daily: 86_400,
  weekly: 7 * 86_400,
  monthly: 31 * 86_400,
};

/** The settings of every dataset that sanoid looks after. */
export function sanoidSettings(
  sections: readonly SanoidSection[],
  datasets: readonly string[],
): ReadonlyMap<string, Settings> {
  const config = new Map<string, Settings>();
  for (const { name, settings } of sections) {
    const own: Settings = config.get(name) ?? { ...DEFAULTS };
    for (const [key, value] of Object.entries(settings)) if (!/recursive|skip_children/.test(key)) own[key] = value;
    config.set(name, own);
    for (const dataset of datasets.filter((one) => one.startsWith(`${name}/`))) {
      if (settings.recursive === "zfs" || (settings.recursive === "yes" && settings.skip_children !== "yes")) {
        const inherited = Object.entries(own).filter(([key]) => !/children_only/.test(key));
        config.set(dataset, { ...config.get(dataset), ...Object.fromEntries(inherited) });
      } else if (settings.skip_children === "yes") config.delete(dataset);
    }
  }
  return config;
}

/** Ages in seconds of the snapshots of one type that are destroyed. */
export function sanoidDestroys(settings: Settings | undefined, type: string, ages: readonly number[]): Set<number> {
  const destroyed = new Set<number>();
  if (settings?.autoprune !== "yes" || settings.process_children_only === "yes") return destroyed;
  const count = Number(settings[type]);
  let left = ages.length;
  for (const age of [...ages].sort((a, b) => b - a))
    if (age > count * (PERIODS[type] ?? 0) && left > count) {
      destroyed.add(age);
      left--;
    }
  return destroyed;
}
