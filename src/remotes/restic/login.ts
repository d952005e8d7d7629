import { Secret } from "../../transport/secret.ts";
import type { Access } from "./access.ts";
import { isAtLeast, type ResticVersion } from "./version.ts";

/** From where restic takes the login of every rest-server whose address has none. */
export const LOGIN: readonly string[] = ["RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"];

/** The same with its login, or an empty one, in its address: then it is sent no other. */
export function withLogin(access: Access): Access {
  const { location, own } = access;
  const [user = "", password = ""] = LOGIN.map((variable) => textOf(own[variable]));
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const address = textOf(location).replace(/^(rest:[a-z+]+:\/\/)(?![^/]*@)/, `$1${login}@`);
  return { ...access, location: password === "" ? secretAs(location, address) : new Secret(address) };
}

/** As this version understands it: before 0.16.1 restic looks for a login nowhere but in the address. */
export const understood = (access: Access, version: ResticVersion): Access =>
  isAtLeast(version, "0.17") || !LOGIN.some((variable) => variable in access.own) ? access : withLogin(access);

export const textOf = (value: string | Secret | undefined): string =>
  (value instanceof Secret ? value.reveal() : value) ?? "";

export const secretAs = (like: string | Secret, text: string): string | Secret =>
  like instanceof Secret ? new Secret(text) : text;
