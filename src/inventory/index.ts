export { observeDataset } from "./dataset.ts";
export { type ObserveOptions, observe } from "./observe.ts";
export { listingRoots } from "./roots.ts";
export { UnobservedError } from "./zfs.ts";
