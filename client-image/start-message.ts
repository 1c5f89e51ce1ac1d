/**
 * What the platform tells a new instance, as JSON: one line on its standard input, or, in a pod, the variable
 * START_VARIABLE.
 */
export interface StartMessage {
  /**
   * Prefix of the lines that the runtime itself prints for the platform; the function does not know it.
   * Absent where a probe says that the instance is ready.
   */
  readonly nonce?: string;
  /** Folder with the gzipped bundle in parts, to be joined in order of name into `bundle`; absent: it is there. */
  readonly parts?: string;
  /** File URL of the bundle. */
  readonly bundle: string;
  readonly listen: { readonly unix: string } | { readonly port: number };
  readonly function: { readonly name: string; readonly version: number };
  /** Names of the variables that the function may find in its environment. */
  readonly env: readonly string[];
}

/** Header of a health probe: the runtime answers it, the function never sees it. */
export const PROBE_HEADER = "x-skiff-probe";
export const CALL_ID_HEADER = "x-skiff-call-id";
export const START_VARIABLE = "SKIFF_START";
