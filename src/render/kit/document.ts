/** A page as Markdown and as HTML: names are data in it, and each form escapes them in its own way. */
export interface Page {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: "heading"; readonly level: 2 | 3 | 4; readonly text: Line }
  | { readonly kind: "text"; readonly text: Line }
  | { readonly kind: "list"; readonly items: readonly Line[] }
  /** What must not be overlooked. */
  | { readonly kind: "warning"; readonly items: readonly Line[] }
  | { readonly kind: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly Line[])[] }
  /** Commands, each line as it is typed. */
  | { readonly kind: "script"; readonly lines: readonly string[] };

export type Line = readonly Inline[];
/** Words, or what stands for itself: names, paths, addresses. */
export type Inline = string | { readonly code: string } | { readonly strong: string };

/** Stands in every kit, as a comment: by it an older one is known. */
export const KIT_MARK = "<!-- holdfast recovery-kit -->";
