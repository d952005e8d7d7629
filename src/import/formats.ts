/** Tools whose configuration is understood. */
export const FORMATS = ["sanoid", "syncoid", "zrepl", "backupd"] as const;
export type Format = (typeof FORMATS)[number];
