/** What a command's end means to whoever called it. */
export const EXIT = {
  ok: 0,
  /** Of `find` also: there is nothing of that name, as of `grep`. */
  error: 1,
  /** Only with `--detailed-exitcode`. */
  changes: 2,
  /** Something failed, was blocked, withheld or could not be observed; the rest was done. */
  incomplete: 3,
  stale: 4,
  invalidManifest: 5,
  locked: 11,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for the user and an exit code. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: ExitCode;
  readonly hint: string | undefined;

  constructor(
    message: string,
    options: { readonly code?: ExitCode; readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? EXIT.error;
    this.hint = options.hint;
  }
}
