export { observeDataset } from "./dataset.ts";
export { type ObserveOptions, observe } from "./observe.ts";
export type { AlsoListed } from "./roots.ts";
export { UnobservedError } from "./zfs.ts";
