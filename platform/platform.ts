import type { Settings } from "./settings.ts";

/**
 * The seam between what Skiff is and where functions run. It is told what should exist and says what is
 * ready; how instances come to be (processes, pods) is its own affair. No HTTP, no Kubernetes types.
 */
export interface Platform {
  readonly abilities: Abilities;

  /**
   * Makes `draft` the current version of its function. Resolves when an instance of it has answered a
   * probe; the version before it goes on serving until then and is drained afterwards. Idempotent: the
   * current version posted again changes nothing.
   * @throws Problem `start_failed` with the instance's last log lines, `draining` once it is closed, or
   * the signal's reason when that aborts before the version is ready, or an error of a full disk, which
   * `toProblem` knows; nothing is changed then
   */
  publish(draft: Draft, signal?: AbortSignal): Promise<Published>;

  /**
   * Removes a function and everything it owns. False if there was none. Calls under way may finish: those
   * that take longer than a moment do so after it resolved, and the name is free meanwhile.
   */
  remove(name: string): Promise<boolean>;

  /** Functions in order of name, after the name `after`, at most `limit` of them. */
  list(page: { after?: string | undefined; limit: number }): Promise<readonly FunctionSummary[]>;

  /** State of one function, for people. Undefined if there is none. */
  describe(name: string): Promise<FunctionDescription | undefined>;

  /** One version with its source and bundle; the current one unless a number is given. */
  read(name: string, version?: number): Promise<Version | undefined>;

  /** The ready instances of a function's current version. Never waits: the request path reads it. */
  endpoints(name: string): Endpoints | undefined;

  /** Those of all functions that there are, for whoever keeps a copy. */
  allEndpoints(): Iterable<Endpoints>;

  /**
   * Calls `listener` after every change of a function's endpoints; undefined means the function is gone.
   * A listener added late reads `endpoints` first. Returns the way to stop.
   */
  watch(listener: EndpointsListener): () => void;

  /**
   * Somebody waits for this function: at least one instance should become ready. Single flight.
   * Resolves when one is ready, with the steps on the way if the platform knows them.
   * @throws Problem `unknown_function`, `no_capacity` (it does not start; `Retry-After` is the back-off),
   * `draining` once it is closed
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: who does not know the steps returns nothing
  wake(name: string): Promise<readonly WakeStep[] | void>;

  /** What a router sees of a function's load; scaling out, scaling in and idleness follow from it. */
  report(load: Load): void;

  /**
   * What the function printed: the last `tail` lines, then (with `follow`) new ones until aborted or removed.
   * @throws Problem `unknown_function`
   */
  logs(name: string, options: LogOptions): AsyncIterable<LogLine>;

  /** Stops every instance within `drainMs` and releases everything. */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** What an implementation does by itself; the conformance suite asks this instead of skipping files. */
export interface Abilities {
  /** Adds instances when the reported load asks for it. */
  readonly scalesOut: boolean;
  /** Stops all instances of an idle function whose `min` is 0. */
  readonly scalesToZero: boolean;
  /** Runs real code (the in-memory fake does not). */
  readonly runsCode: boolean;
  /** State outlives `close`. */
  readonly durable: boolean;
}

/** One file, or an archive of files, as it was posted. */
export interface Source {
  readonly bytes: Uint8Array;
  /** Media type: what it was recognised as, which decides how it is built and served back. */
  readonly type: SourceType;
}

export type SourceType = "text/typescript" | "application/x-tar" | "application/gzip" | "application/zip";

/** The one self-contained module built from a source; starting it needs no network. */
export interface Bundle {
  /** An ES module, UTF-8, with an inline source map. Bytes: to read some MiB as a text takes too long for a server. */
  readonly code: Uint8Array;
}

/** A version before it has a number. */
export interface Draft {
  readonly name: string;
  /** SHA-256 of source and settings in hex: equal content is the same version. */
  readonly hash: string;
  readonly source: Source;
  readonly bundle: Bundle;
  readonly settings: Settings;
}

export interface Version extends Draft {
  readonly version: number;
  readonly createdAt: Date;
}

export interface Published {
  readonly name: string;
  readonly version: number;
  /** True if the function did not exist before. */
  readonly created: boolean;
  /** True if this was the current version already. */
  readonly unchanged: boolean;
}

export interface FunctionSummary {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Ready instances of the current version. */
  readonly ready: number;
}

export interface FunctionDescription extends FunctionSummary {
  readonly settings: Settings;
  readonly versions: readonly { version: number; hash: string; createdAt: Date }[];
  readonly instances: readonly InstanceDescription[];
  /** Newest last. */
  readonly lastErrors: readonly { at: Date; message: string }[];
  /** Why no instance is ready although one should be; absent if all is as it should be. */
  readonly notReady?: string;
}

export interface InstanceDescription {
  readonly id: string;
  readonly version: number;
  readonly state: "starting" | "ready" | "draining";
  readonly startedAt: Date;
  readonly memoryMiB?: number;
}

/** Where the instances of a function's current version are. Immutable: replaced on every change. */
export interface Endpoints {
  readonly name: string;
  readonly version: number;
  /** Calls that one instance takes at a time. */
  readonly concurrency: number;
  /** Time that a call has until its response starts, in milliseconds. */
  readonly timeoutMs: number;
  readonly instances: readonly Instance[];
}

export interface Instance {
  /** Unique for all time; never given to another copy. */
  readonly id: string;
  readonly address: Address;
}

export type Address = { readonly unix: string } | { readonly host: string; readonly port: number };

export type EndpointsListener = (name: string, endpoints: Endpoints | undefined) => void;

export interface Load {
  readonly name: string;
  /** Calls that instances are working on now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  /** Calls that one instance is working on now, so that one without any is stopped first. */
  readonly onInstance?: (id: string) => number;
}

/** When a step of a waking was done, in milliseconds since the call asked for an instance. */
export interface WakeStep {
  /**
   * Asked the cluster. Then, with a pod from the pool: it was claimed; it has taken the function. Otherwise: an
   * instance was made; a node was found for it; its container ran; it answered.
   */
  readonly name: "api" | "claim" | "load" | "pod" | "schedule" | "container" | "start";
  readonly atMs: number;
}

export interface LogOptions {
  readonly tail: number;
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

export interface LogLine {
  readonly at: Date;
  readonly instance: string;
  readonly stream: "stdout" | "stderr" | "platform";
  readonly text: string;
}
