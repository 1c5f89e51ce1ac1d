import type { StartMessage } from "../../../client-image/start-message.ts";

/** A line of input: the platform ends the instance because its memory runs out. */
export const OUT_OF_MEMORY_LINE = "out of memory";

/**
 * The start message of the program host, which stands in an instance where Deno stands for TypeScript: the same listening,
 * ready and alive lines, the same probes and places.
 */
export interface ProgramMessage
  extends Pick<StartMessage, "nonce" | "listen" | "function" | "concurrency" | "env" | "secrets" | "isOnce"> {
  readonly host: HostOrder;
  /** Programs get all variables of the host: an image has some that nobody else knows. */
  readonly keepsEnvironment?: boolean;
  /** Folder that a start makes. If it is there, the container has started again and takes no call. */
  readonly startMark?: string;
}

export type HostOrder = CallOrder | ServeOrder | GateOrder;

/** Each call starts the program. */
export interface CallOrder {
  readonly mode: "call";
  /** Program and arguments. */
  readonly command: readonly string[];
  /** The current folder of the program. */
  readonly cwd: string;
  readonly cgi: boolean;
  /** Longest run of one call. */
  readonly timeoutMs: number;
  /** The host and its programs have the process ids for themselves, so all others of an idle host are left ones. */
  readonly ownsProcesses: boolean;
}

/** The host starts the program once. It speaks HTTP on `$PORT`, or on the Unix socket `$SOCKET`. */
export interface ServeOrder {
  readonly mode: "serve";
  readonly command: readonly string[];
  readonly cwd: string;
  readonly port: number;
  readonly socket?: string;
}

/** A server that somebody else started gets one call. */
export interface GateOrder {
  readonly mode: "gate";
  readonly port: number;
}
