import type { Secret } from "../../transport/secret.ts";
import type { Access, Variables } from "./access.ts";
import { ResticFailed } from "./errors.ts";
import { LOGIN, secretAs, textOf, withLogin } from "./login.ts";

/**
 * What restic needs to read a second repository, `from`, beside the one it works on. It has variables only for the place and
 * the password of it; all others are for both. Where those differ, the second one is reached another way.
 */
export function variablesForSecond(from: Access, to: Access, name: string): Variables {
  const kind = kindOf(from);
  const differing = kind === kindOf(to) ? differences(from.own, to.own) : [];
  const apart = differing.length === 0 ? undefined : anotherWay(from, kind);
  const settled = apart === undefined ? [] : kind === "rest" ? LOGIN : differing;
  const isOpen = (variable: string): boolean => !settled.includes(variable);
  const clashing = differing.filter((each) => isOpen(each) && each in from.own && each in to.own);
  if (clashing.length > 0) throw clash(clashing, kind, name);
  const added = Object.entries(from.own).filter(([variable]) => !(variable in to.own) && isOpen(variable));
  return {
    ...Object.fromEntries(added),
    RESTIC_FROM_REPOSITORY: from.location,
    ...apart,
    RESTIC_FROM_PASSWORD: from.password,
  };
}

const anotherWay = (from: Access, kind: string): Variables | undefined =>
  kind === "rest" ? { RESTIC_FROM_REPOSITORY: withLogin(from).location } : byRclone(from, kind);

const differences = (one: Variables, other: Variables): string[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (name) => textOf(one[name]) !== textOf(other[name]),
  );

const clash = (variables: readonly string[], kind: string, name: string): ResticFailed =>
  new ResticFailed("other", {
    message: `${name} and its mirror need different ${variables.join(", ")}, and restic has one environment for both`,
    hint:
      kind === "rclone"
        ? "put both remotes into one rclone configuration, or define each by RCLONE_CONFIG_NAME_… variables"
        : "give both the same value",
  });

const kindOf = ({ location }: Access): string => /^([a-z0-9]+):/.exec(textOf(location))?.[1] ?? "local";

/** A kind of storage as rclone has it, with its options and the variables that restic takes them from, the first that is set. */
interface Storage {
  readonly type: string;
  readonly options: Readonly<Record<string, readonly string[]>>;
}

const STORAGES: Readonly<Record<string, Storage>> = {
  s3: {
    type: "s3",
    options: {
      ACCESS_KEY_ID: ["AWS_ACCESS_KEY_ID"],
      SECRET_ACCESS_KEY: ["AWS_SECRET_ACCESS_KEY"],
      SESSION_TOKEN: ["AWS_SESSION_TOKEN"],
      REGION: ["AWS_DEFAULT_REGION", "AWS_REGION"],
      PROFILE: ["AWS_PROFILE"],
      SHARED_CREDENTIALS_FILE: ["AWS_SHARED_CREDENTIALS_FILE"],
    },
  },
  b2: { type: "b2", options: { ACCOUNT: ["B2_ACCOUNT_ID"], KEY: ["B2_ACCOUNT_KEY"] } },
  azure: { type: "azureblob", options: { ACCOUNT: ["AZURE_ACCOUNT_NAME"], KEY: ["AZURE_ACCOUNT_KEY"] } },
  gs: {
    type: "google cloud storage",
    options: { SERVICE_ACCOUNT_FILE: ["GOOGLE_APPLICATION_CREDENTIALS"], PROJECT_NUMBER: ["GOOGLE_PROJECT_ID"] },
  },
  swift: {
    type: "swift",
    options: {
      AUTH: ["OS_AUTH_URL", "ST_AUTH"],
      USER: ["OS_USERNAME", "ST_USER"],
      KEY: ["OS_PASSWORD", "ST_KEY"],
      USER_ID: ["OS_USER_ID"],
      DOMAIN: ["OS_USER_DOMAIN_NAME"],
      TENANT: ["OS_PROJECT_NAME", "OS_TENANT_NAME"],
      TENANT_ID: ["OS_PROJECT_ID", "OS_TENANT_ID"],
      TENANT_DOMAIN: ["OS_PROJECT_DOMAIN_NAME"],
      REGION: ["OS_REGION_NAME"],
      STORAGE_URL: ["OS_STORAGE_URL"],
      AUTH_TOKEN: ["OS_AUTH_TOKEN"],
      APPLICATION_CREDENTIAL_ID: ["OS_APPLICATION_CREDENTIAL_ID"],
      APPLICATION_CREDENTIAL_NAME: ["OS_APPLICATION_CREDENTIAL_NAME"],
      APPLICATION_CREDENTIAL_SECRET: ["OS_APPLICATION_CREDENTIAL_SECRET"],
    },
  },
};

/** A remote of rclone that exists only in variables; restic starts rclone with them. */
const REMOTE = "holdfastsource";

function byRclone({ location, own }: Access, kind: string): Variables | undefined {
  const storage = STORAGES[kind];
  const place = kind === "s3" ? bucketOfS3(textOf(location)) : bucketOf(textOf(location));
  if (storage === undefined || place === undefined) return undefined;
  const options = Object.entries(storage.options).flatMap(([option, variables]): [string, string | Secret][] => {
    const variable = variables.find((each) => own[each] !== undefined);
    const value = variable === undefined ? undefined : own[variable];
    return value === undefined ? [] : [[option, value]];
  });
  const all = [["TYPE", storage.type], ...options, ...Object.entries(place.options)];
  return {
    ...Object.fromEntries(all.map(([option, value]) => [`RCLONE_CONFIG_${REMOTE.toUpperCase()}_${option}`, value])),
    RESTIC_FROM_REPOSITORY: secretAs(location, `rclone:${REMOTE}:${place.path}`),
  };
}

interface Place {
  readonly path: string;
  readonly options: Readonly<Record<string, string>>;
}

/** `b2:BUCKET:PATH` */
function bucketOf(location: string): Place | undefined {
  const [, bucket, path = ""] = /^[a-z0-9]+:([^:]+):?(.*)$/.exec(location) ?? [];
  return bucket === undefined ? undefined : { path: joined(bucket, path), options: {} };
}

/** `s3:https://HOST/BUCKET/PATH`, `s3:HOST/BUCKET/PATH` */
function bucketOfS3(location: string): Place | undefined {
  const [, scheme = "https", host, path = ""] = /^s3:(?:(https?):\/\/|\/\/)?([^/]+)\/+(.*)$/.exec(location) ?? [];
  if (host === undefined) return undefined;
  const provider = host.endsWith(".amazonaws.com") ? "AWS" : "Other";
  const options = { PROVIDER: provider, ENDPOINT: `${scheme}://${host}`, NO_CHECK_BUCKET: "true" };
  return { path: joined(path), options };
}

const joined = (...parts: readonly string[]): string =>
  parts
    .flatMap((part) => part.split("/"))
    .filter((part) => part !== "")
    .join("/");
