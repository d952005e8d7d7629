import type { HostName } from "../../model/units.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";

/** Who this process is. */
export interface Self {
  readonly self: HostName | null;
  readonly controller: boolean;
  /** This machine, where keys without HOST mean it and `hosts` does not declare it. */
  readonly extra?: HostName;
}

/**
 * `--as` or HOLDFAST_AS, else the machine's own name, full or short. Where `hosts` is declared and none fits, this is a
 * controller; it counts as a host of its own only when keys without HOST (`hasBareKeys`) say that it has datasets to protect.
 */
export function whoAmI(context: Context, hasBareKeys: boolean): Self {
  const { as, hostname } = context.options;
  const declared = context.declared("hosts");
  if (declared.length === 0) return alone(context, as, hostname);
  if (as === "none") return { self: null, controller: true };
  if (as !== undefined) {
    if (declared.includes(as)) return { self: as as HostName, controller: false };
    context.report({
      code: "unknown-self",
      message: `this process is told to be ${quote(as)} (--as or HOLDFAST_AS), which is not among the hosts: ${declared.join(", ")}`,
      hint:
        nameFault(as) === undefined
          ? `add \`${as}: {}\` to hosts, or give --as none to control all of them`
          : "give one of them",
      path: ["hosts"],
      at: "key",
    });
    return { self: null, controller: true };
  }
  const fitting =
    declared.find((name) => name === hostname) ?? declared.find((name) => name === hostname.split(".", 1)[0]);
  if (fitting !== undefined) return { self: fitting as HostName, controller: false };
  if (!hasBareKeys) return { self: null, controller: true };
  const name = usable(context, hostname);
  return { self: name, controller: true, extra: name };
}

function alone(context: Context, as: string | undefined, hostname: string): Self {
  if (as === "none") {
    context.report({
      code: "unknown-self",
      message: "--as none says that this process is none of the hosts, but no hosts are declared",
      hint: "declare the hosts to reach, or leave --as out",
      path: ["hosts"],
    });
  }
  const name = usable(context, as === undefined || as === "none" ? hostname : as);
  return { self: name, controller: false, extra: name };
}

function usable(context: Context, name: string): HostName {
  const fault = nameFault(name);
  if (fault !== undefined) {
    context.report({
      code: "bad-name",
      message: `this machine is called ${quote(name)}, which cannot be the name of a host: ${fault}`,
      hint: "give another with --as NAME or HOLDFAST_AS",
      path: [],
    });
  }
  return name as HostName;
}

const nameFault = (name: string): string | undefined =>
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(name) ? undefined : "it takes letters, digits, _ . and -";
