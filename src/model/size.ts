import type { Bytes } from "./units.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
const scale = (value: number, exponent: number): string => {
  const scaled = value / 1024 ** exponent;
  return exponent > 0 && scaled < 99.95 ? scaled.toFixed(1).replace(/\.0$/, "") : scaled.toFixed(0);
};
/** 1023.96 KiB would be shown as `1024 KiB`: it belongs to the next unit. */
const exponentOf = (value: number): number => {
  let exponent = 0;
  while (exponent < UNITS.length - 1 && Math.round(value / 1024 ** exponent) >= 1024) exponent++;
  return exponent;
};

/** `1.2 GiB`. */
export const size = (bytes: Bytes | number): string => {
  const exponent = exponentOf(bytes);
  return `${scale(bytes, exponent)} ${UNITS[exponent]}`;
};

/** `4.1 of 9.8 GiB`: both in the unit of the whole. */
export const part = (bytes: Bytes | number, whole: Bytes | number): string => {
  const exponent = exponentOf(whole);
  return `${scale(bytes, exponent)} of ${scale(whole, exponent)} ${UNITS[exponent]}`;
};
