/** What came of a command line. */
export type CommandOutcome =
  | { readonly ok: true; readonly lines: readonly string[] }
  | {
      readonly ok: false;
      /** `text` is what people read of it. */
      readonly error: { readonly code: string; readonly message: string; readonly text: string };
    };
