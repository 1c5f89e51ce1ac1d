/**
 * What the platform tells a new instance, as JSON: one line on its standard input, or, in a pod, the variable
 * START_VARIABLE. Every line that follows on standard input is answered with `alive`.
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
  /** Calls that the instance admits at a time. Absent in messages of older managers: no limit. */
  readonly concurrency?: number;
  /** Names of the variables that the function may find in its environment. */
  readonly env: readonly string[];
}

/** What START_VARIABLE says in a pod of the pool, which is of no function yet. */
export interface PoolMessage {
  readonly pool: {
    /** Of the pod: what is sealed for another one is of no use here. */
    readonly uid: string;
    readonly port: number;
    /** File with the pod's own key, 32 bytes; removed before the pod is ready. */
    readonly key: string;
    /** Public key that loads are signed for, in base64; not secret. */
    readonly verifyPublic: string;
    /** Where the bundle is written. */
    readonly bundle: string;
    /** Shell script that starts the function again, written when one is loaded; pool.sh runs it. */
    readonly restart: string;
    /** File that is there when the process that waited is the function now. */
    readonly inPlace: string;
  };
}

/**
 * Path and header of a health probe: the runtime answers it, the function never sees it. The header makes it one, because
 * no client can send it; the path spares all other calls that their headers are looked at, a third of what they cost.
 */
export const PROBE_PATH = "/.well-known/skiff-probe";
export const PROBE_HEADER = "x-skiff-probe";
/** In the answer to a probe: the number of the version. A pod of the pool answers without it. */
export const VERSION_HEADER = "x-skiff-version";
export const CALL_ID_HEADER = "x-skiff-call-id";
/**
 * In a request: how long the call may wait in the instance for a place, in milliseconds, in decimal, from 1 to MOST_WAIT_MS.
 * Absent, or anything else: it is refused when all places are taken. docs/concurrency.md describes the protocol.
 */
export const WAIT_HEADER = "x-skiff-wait";
export const MOST_WAIT_MS = 5_000;
/** In a 503 without a body: the instance has refused the call, and its function has seen nothing of it. */
export const BUSY_HEADER = "x-skiff-busy";
/**
 * In a probe, with the id of a call that follows: reserves a place for it. The answer has the header, too, or is a refusal.
 * For calls whose body cannot be sent twice.
 */
export const PLACE_HEADER = "x-skiff-place";
/** In a probe, with the id of a call that the router has given up: the call leaves the queue, and its place is free. */
export const GONE_HEADER = "x-skiff-gone";
export const START_VARIABLE = "SKIFF_START";
