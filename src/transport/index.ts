export { connectHosts } from "./hosts.ts";
export { acquireLock, inspectLock } from "./lock.ts";
export { readSecret, Secret } from "./secret.ts";
export * from "./types.ts";
