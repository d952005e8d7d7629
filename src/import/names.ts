/** The dataset around it; undefined for a pool. */
export const parentOf = (dataset: string): string | undefined =>
  dataset.includes("/") ? dataset.slice(0, dataset.lastIndexOf("/")) : undefined;

/** Whether it lies below another; all do below the empty name. */
export const isBelow = (dataset: string, other: string): boolean =>
  other === "" ? dataset !== "" : dataset.startsWith(`${other}/`);

/** Whether a dataset is another, or lies below it. */
export const isWithin = (dataset: string, other: string): boolean => `${dataset}/`.startsWith(`${other}/`);

/** What may be the name of a host or remote. */
export function nameFrom(text: string, otherwise: string): string {
  const name = text
    .replaceAll(/[^A-Za-z0-9_.-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 60);
  return ["", "none", "source"].includes(name) ? otherwise : name;
}

/** What keeps a machine, and a user there, from being written into `hosts`, if anything does. */
export function machineFault(address: string | undefined, user: string | undefined): string | undefined {
  if (address !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(address))
    return `is on ${JSON.stringify(address)}, which is no host name`;
  if (user !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,254}$/.test(user))
    return `is reached as ${JSON.stringify(user)}, which is no user name`;
  return undefined;
}
