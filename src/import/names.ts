/** The dataset around it; undefined for a pool. */
export const parentOf = (dataset: string): string | undefined =>
  dataset.includes("/") ? dataset.slice(0, dataset.lastIndexOf("/")) : undefined;

/** Whether a dataset is another, or lies below it. */
export const isWithin = (dataset: string, other: string): boolean => `${dataset}/`.startsWith(`${other}/`);
