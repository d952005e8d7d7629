import { expect, test } from "vitest";
import type { Access } from "../../../src/remotes/restic/access.ts";
import { variablesForSecond } from "../../../src/remotes/restic/second.ts";
import { Secret } from "../../../src/transport/secret.ts";

const password = new Secret("password");
const access = (location: string, own: Access["own"] = {}): Access => ({ location, password, own });
/** What is set for the source, without its password; secrets as what they are. */
const shown = (from: Access, to: Access) => {
  const { RESTIC_FROM_PASSWORD, ...rest } = variablesForSecond(from, to, "b2");
  expect(RESTIC_FROM_PASSWORD).toBe(password);
  return Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      name.replace("RCLONE_CONFIG_HOLDFASTSOURCE_", ""),
      value instanceof Secret ? value.reveal() : value,
    ]),
  );
};
const aws = (id: string, more: Access["own"] = {}): Access["own"] => ({
  AWS_ACCESS_KEY_ID: id,
  AWS_SECRET_ACCESS_KEY: new Secret(`${id} key`),
  ...more,
});

test("of another kind, or with the same credentials: as it is", () => {
  const s3 = "s3:https://host/bucket/path";
  expect(shown(access(s3, aws("one")), access("/mnt/usb"))).toEqual({
    RESTIC_FROM_REPOSITORY: s3,
    AWS_ACCESS_KEY_ID: "one",
    AWS_SECRET_ACCESS_KEY: "one key",
  });
  expect(shown(access(s3, aws("one")), access("s3:other/bucket", aws("one")))).toEqual({ RESTIC_FROM_REPOSITORY: s3 });
});

test.each([
  ["s3:https://host:9000/bucket/some/path/", "https://host:9000", "bucket/some/path", "Other"],
  ["s3:http://host/bucket", "http://host", "bucket", "Other"],
  ["s3:s3.eu-west-1.amazonaws.com/bucket/path", "https://s3.eu-west-1.amazonaws.com", "bucket/path", "AWS"],
])("%s with other credentials: by rclone", (location, endpoint, path, provider) => {
  expect(shown(access(location, aws("one", { AWS_DEFAULT_REGION: "eu" })), access("s3:x/y", aws("two")))).toEqual({
    TYPE: "s3",
    PROVIDER: provider,
    ENDPOINT: endpoint,
    NO_CHECK_BUCKET: "true",
    ACCESS_KEY_ID: "one",
    SECRET_ACCESS_KEY: "one key",
    REGION: "eu",
    RESTIC_FROM_REPOSITORY: `rclone:holdfastsource:${path}`,
  });
});

test.each([
  [
    "b2:bucket:some/path",
    { B2_ACCOUNT_ID: "id", B2_ACCOUNT_KEY: "key" },
    { TYPE: "b2", ACCOUNT: "id", KEY: "key" },
    "bucket/some/path",
  ],
  ["b2:bucket", { B2_ACCOUNT_ID: "id" }, { TYPE: "b2", ACCOUNT: "id" }, "bucket"],
  [
    "azure:box:/path",
    { AZURE_ACCOUNT_NAME: "n", AZURE_ACCOUNT_KEY: "k" },
    { TYPE: "azureblob", ACCOUNT: "n", KEY: "k" },
    "box/path",
  ],
  ["gs:box:/", { GOOGLE_PROJECT_ID: "7" }, { TYPE: "google cloud storage", PROJECT_NUMBER: "7" }, "box"],
  ["swift:box:/p", { OS_USERNAME: "u", OS_PASSWORD: "p" }, { TYPE: "swift", USER: "u", KEY: "p" }, "box/p"],
])("%s with other credentials: by rclone", (location, own, options, path) => {
  const other = Object.fromEntries(Object.keys(own).map((name) => [name, "another"]));
  expect(shown(access(location, own), access(location, other))).toEqual({
    ...options,
    RESTIC_FROM_REPOSITORY: `rclone:holdfastsource:${path}`,
  });
});

test("a rest-server with another login: in its address", () => {
  const own = { RESTIC_REST_USERNAME: "nas", RESTIC_REST_PASSWORD: new Secret("p@ss/word") };
  expect(shown(access("rest:https://host:8000/nas/", own), access("rest:http://other/"))).toEqual({
    RESTIC_FROM_REPOSITORY: "rest:https://nas:p%40ss%2Fword@host:8000/nas/",
  });
});

const login = { RESTIC_REST_USERNAME: "mirror", RESTIC_REST_PASSWORD: new Secret("secret") };

test.each([
  ["rest:http://lan:8000/nas/", "rest:http://:@lan:8000/nas/"],
  ["rest:http+unix:///run/rest.sock:/nas/", "rest:http+unix://:@/run/rest.sock:/nas/"],
  // one in an address is all that restic looks at
  ["rest:http://nas:own@lan/", "rest:http://nas:own@lan/"],
  ["rest:http://nas@lan/", "rest:http://nas@lan/"],
])("%s without a login of its own is not given that of its mirror", (location, address) => {
  expect(shown(access(location), access("rest:https://other/", login))).toEqual({ RESTIC_FROM_REPOSITORY: address });
});

test("a mirror is not given the login of what it is filled from", () => {
  expect(shown(access("rest:https://host/", login), access("rest:http://lan/"))).toEqual({
    RESTIC_FROM_REPOSITORY: "rest:https://mirror:secret@host/",
  });
});

test("besides the login two rest-servers have one environment, too", () => {
  const [to, other] = [access("rest:https://other/", login), { HTTPS_PROXY: "http://proxy" }];
  expect(shown(access("rest:http://lan/", other), to)).toEqual({
    RESTIC_FROM_REPOSITORY: "rest:http://:@lan/",
    ...other,
  });
  const clash = access("rest:https://other/", { HTTPS_PROXY: "http://another", ...login });
  expect(() => shown(access("rest:http://lan/", other), clash)).toThrow("need different HTTPS_PROXY,");
});

test("a secret address stays one", () => {
  const location = new Secret("b2:secret:path");
  const { RESTIC_FROM_REPOSITORY } = variablesForSecond(
    { location, password, own: { B2_ACCOUNT_ID: "one" } },
    access("b2:other", { B2_ACCOUNT_ID: "two" }),
    "b2",
  );
  expect(`${RESTIC_FROM_REPOSITORY}`).toBe("[secret]");
});

test("two configurations of rclone cannot both be had, and that is said", () => {
  const [one, two] = ["one", "two"].map((file) => access("rclone:box:path", { RCLONE_CONFIG: file }));
  expect(() => shown(one as Access, two as Access)).toThrow("b2 and its mirror need different RCLONE_CONFIG");
  const apart = { RCLONE_CONFIG_A_TYPE: "alias" };
  expect(shown(access("rclone:a:", apart), access("rclone:b:", { RCLONE_CONFIG_B_TYPE: "alias" }))).toMatchObject(
    apart,
  );
});
