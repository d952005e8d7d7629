export { connectHosts } from "./hosts.ts";
export { acquireLock } from "./lock.ts";
export { readSecret, Secret } from "./secret.ts";
export * from "./types.ts";
