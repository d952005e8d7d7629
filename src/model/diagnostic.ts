import type { Place } from "./manifest.ts";

/** Something wrong with the user's input, with where it stands. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Stable, for tests and `--json`: `unknown-key`, `duplicate-key`, `bad-duration` … */
  readonly code: string;
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string;
  readonly place?: Place;
  /** The line of the file, for the caret below it. */
  readonly excerpt?: { readonly text: string; readonly column: number; readonly length: number };
  /** Other places that matter, such as the first of two definitions. */
  readonly related?: readonly { readonly place: Place; readonly message: string }[];
}
