/** What a token has to be: hard to guess, and fit for a header. */
export const TOKEN_RULE = "needs 16 or more printable characters without blanks";

export const isToken = (text: string): boolean => /^[\x21-\x7e]{16,}$/.test(text);
