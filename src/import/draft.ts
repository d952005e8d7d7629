import type { ManifestDocument } from "../manifest/generated/types.ts";
import type { Remark } from "../model/import.ts";

/** A file of another tool, as it was given. */
export interface Given {
  readonly name: string;
  readonly text: string;
}

/** The machine whose configuration it is. */
export interface Machine {
  readonly name: string;
  readonly timezone: string;
}

/** A manifest in the making, with what people should know about it. */
export interface Draft {
  readonly document: ManifestDocument;
  readonly remarks: readonly Remark[];
}

/** There is nothing in the files that a manifest could be made of. */
export class NothingToImport extends Error {
  override readonly name = "NothingToImport";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
