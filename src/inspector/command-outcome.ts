/** What came of a command line. */
export type CommandOutcome =
  | { readonly ok: true; readonly lines: readonly string[] }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };
