/** Tools whose configuration is understood. */
export const FORMATS = ["sanoid", "syncoid"] as const;
export type Format = (typeof FORMATS)[number];
