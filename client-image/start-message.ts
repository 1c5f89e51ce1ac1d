/** Parts of Node that the runtime replaces: `listen` of servers, `process.umask` and `fs.existsSync`. */
export type Replaced = "listen" | "umask" | "exists";

/**
 * The first message of the platform to an instance, as JSON: one line on standard input, or, in a pod, the variable
 * START_VARIABLE. The instance answers every further line on standard input with `alive`.
 */
export interface StartMessage {
  /**
   * Prefix of the lines that the runtime prints for the platform, unknown to the function. Absent if the platform
   * probes the instance instead.
   */
  readonly nonce?: string;
  /** Folder with the gzipped bundle in parts, to join by name into `bundle`. Absent if the bundle exists. */
  readonly parts?: string;
  /** File URL of the module to import. Absent if Deno itself runs the function, as the main module of a project. */
  readonly bundle?: string;
  readonly listen: { readonly unix: string } | { readonly port: number };
  readonly function: { readonly name: string; readonly version: number };
  /** Calls that the instance admits at a time. Absent in messages of older managers, which means no limit. */
  readonly concurrency?: number;
  /** Names of the variables that stay in the environment of the function. */
  readonly env: readonly string[];
  /** Values to set, of variables in `env`. They are in no environment and no file on their way here. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The instance takes one call in its life: it refuses every other one before it reads a byte of it. */
  readonly isOnce?: boolean;
  /**
   * Parts of Node that the runtime has to replace, because a source or a package of the version names them
   * (`replacedIn`). Absent: the runtime searches the bundle.
   */
  readonly replaced?: readonly Replaced[];
}

/** The value of START_VARIABLE in a pod of the pool, before a function is loaded. */
export interface PoolMessage {
  readonly pool: {
    /** Uid of the pod. Each load is sealed for one uid. */
    readonly uid: string;
    readonly port: number;
    /** File with the pod's own key, 32 bytes; removed before the pod is ready. */
    readonly key: string;
    /** Public key that verifies the signature of loads, in base64; not secret. */
    readonly verifyPublic: string;
    /** Path for the bundle. */
    readonly bundle: string;
    /** Folder for a project. */
    readonly project: string;
    /** Path for the shell script with which pool.sh starts the loaded function again. */
    readonly restart: string;
    /** File that exists once the waiting process runs the function itself. */
    readonly inPlace: string;
    /** For tests: time between two exercises of the waiting process; one minute by default. */
    readonly exerciseMs?: number;
  };
}

/**
 * Path and header of a health probe, which the runtime answers itself. Clients cannot send the header, so it decides.
 * The path spares other calls the reading of their headers, a third of their cost.
 */
export const PROBE_PATH = "/.well-known/skiff-probe";
export const PROBE_HEADER = "x-skiff-probe";
/** Version number in the answer to a probe. A pod of the pool answers without it. */
export const VERSION_HEADER = "x-skiff-version";
export const CALL_ID_HEADER = "x-skiff-call-id";
/**
 * Request header: time that the call may wait for a place in the instance, in decimal milliseconds from 1 to
 * MOST_WAIT_MS. Without it a call is refused when all places are taken. docs/concurrency.md describes the protocol.
 */
export const WAIT_HEADER = "x-skiff-wait";
export const MOST_WAIT_MS = 5_000;
/** In a 503 without a body: the instance has refused the call before its function ran. */
export const BUSY_HEADER = "x-skiff-busy";
/**
 * In a probe, the id of a call to reserve a place for: one whose body cannot be sent twice. The answer repeats the
 * header, or is a refusal.
 */
export const PLACE_HEADER = "x-skiff-place";
/** In a probe, the id of a call that the router has given up: the call leaves the queue or frees its place. */
export const GONE_HEADER = "x-skiff-gone";
export const START_VARIABLE = "SKIFF_START";
/** Header fields of answers that Skiff makes for a function. They hold no secret, so every page may read them. */
export const READABLE_FIELDS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "ratelimit, ratelimit-policy, retry-after, x-skiff-call-id, x-skiff-error",
} as const;
