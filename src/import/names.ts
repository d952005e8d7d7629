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
