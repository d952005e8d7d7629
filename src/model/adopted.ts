/** How other tools name the snapshots of what Holdfast calls hourly, daily and so on, as patterns: `*` is the rest of the name. */
const NAMED: Readonly<Record<string, (period: string) => string>> = {
  sanoid: (period) => `autosnap_*_${period}`,
  "zfs-auto-snapshot": (period) => `zfs-auto-snap*_${period}-*`,
  pyznap: (period) => `pyznap_*_${period}`,
};

/** The pattern of a tool's snapshots of one period; undefined for a tool whose names do not tell it. */
export const adoptedName = (tool: string, period: string): string | undefined => NAMED[tool]?.(period);
