/** Branded primitives: the same runtime value, but a mix-up does not compile. */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** ZFS guid as decimal digits. A string because guids go beyond 2^53. */
export type Guid = Brand<string, "Guid">;
/** `createtxg`: order of creation within one dataset. Never compared across pools. */
export type Txg = Brand<number, "Txg">;
/** Full dataset name without host, such as `tank/data`. */
export type DatasetName = Brand<string, "DatasetName">;
/** Absolute path of a directory, without a slash at its end. */
export type DirectoryPath = Brand<string, "DirectoryPath">;
/** Name of a host: the manifest's `hosts` key, or the machine's host name when there is none. */
export type HostName = Brand<string, "HostName">;
/** Key in the manifest's `remotes` or `mirrors`. */
export type RemoteName = Brand<string, "RemoteName">;
/** One restic repository: `REMOTE`, or `REMOTE@HOST` where each host has its own. */
export type RepositoryKey = Brand<string, "RepositoryKey">;
/** Name of a snapshot type such as `hourly`. */
export type TypeName = Brand<string, "TypeName">;
/** `HOST:DATASET` or `HOST:/PATH`, the identity of a source everywhere it is shown or stored. */
export type Address = Brand<string, "Address">;
export type Bytes = Brand<number, "Bytes">;
/** Seconds since 1970-01-01T00:00:00Z. */
export type EpochSeconds = Brand<number, "EpochSeconds">;
/** Length of time in seconds. */
export type Seconds = Brand<number, "Seconds">;

export const address = (host: HostName, what: DatasetName | DirectoryPath): Address => `${host}:${what}` as Address;

export const isDirectory = (source: Address): boolean => source.startsWith("/", source.indexOf(":") + 1);

/** The pool that a dataset is in. */
export const poolOf = (dataset: string): string => dataset.split("/", 1)[0] ?? "";

/** The remote or mirror whose repository it is. */
export const nameOfKey = (key: RepositoryKey): RemoteName => key.split("@", 1)[0] as RemoteName;

/** The host that it is the only one of, where each has its own. */
export const hostOfKey = (key: RepositoryKey): HostName | undefined => key.split("@", 2)[1] as HostName | undefined;

/** The longest name ZFS takes: dataset, `@` or `#`, and what follows it. */
export const maxNameLength = 255;
