import { DENO_CODE, DENO_ERRORS } from "../tasks.ts";
import { holdsForeignModule, isOwnModule } from "./module-check.ts";
import { MACHINE_FILE } from "./outside-errors.ts";

/** Name of the module that is bundled, as Deno reports it. */
export const DENO_ENTRY = "main.js";

export interface OutsideError {
  readonly text: string;
  /** Line from 1, column in bytes from 0; `file` is `DENO_ENTRY` for the module that was given. */
  readonly location: { file: string; line: number; column: number; length: number } | null;
}

export type OutsideResult = { readonly code: Buffer } | { readonly errors: readonly OutsideError[] };

/** What Deno's bundler printed; a bundle with a module that may not be in it is an error. */
export function readOutsideResult(printed: Uint8Array): OutsideResult {
  const bytes = Buffer.from(printed.buffer, printed.byteOffset, printed.byteLength);
  const kind = bytes.toString("latin1", 0, 1);
  const rest = bytes.subarray(1);
  if (kind === DENO_ERRORS) {
    return { errors: (JSON.parse(rest.toString()) as OutsideError[]).map(withoutContent) };
  }
  if (kind !== DENO_CODE) throw new Error(`Deno's bundler printed "${kind}" first`);
  return holdsForeignModule(rest) ? { errors: [{ text: MACHINE_FILE, location: null }] } : { code: rest };
}

/** An error about the text of a file that is neither the user's nor a package's would tell what is in it. */
function withoutContent(error: OutsideError): OutsideError {
  const { location } = error;
  if (!location || location.file === DENO_ENTRY || isOwnModule(location.file)) return error;
  return { text: MACHINE_FILE, location: null };
}
