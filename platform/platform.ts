import type { Declarations } from "./declarations.ts";
import type { Settings } from "./settings.ts";

/**
 * Where functions run. It takes what should exist and answers what is ready; how instances come to be (processes,
 * pods) is its own affair. No HTTP, no Kubernetes types.
 *
 * Making a version and sending calls to it are two acts, so that several versions of a function can serve at once.
 * deploying.ts does both.
 */
export interface Platform {
  readonly abilities: Abilities;

  /** Everything that should exist besides functions. */
  readonly declarations: Declarations;

  /**
   * Makes a version without calls. Resolves when it is durable and an instance of it has answered a probe. That
   * instance stays for `idleMs`, so that a `route` that follows finds it. Numbers grow by one for each function. No
   * number is used again while a version or an instance of that number may be there.
   * @throws Problem `start_failed` with the last log lines, `draining` once it is closed, `unknown_version` if the
   * version that `sameAs` names is not there; the signal's reason; an error of a full disk, which `toProblem` knows.
   * Nothing is changed then
   */
  store(draft: Draft, signal?: AbortSignal): Promise<Stored>;

  /**
   * Sends calls to versions by weight. Resolves when every router obeys. Before calls change over, each version in
   * `traffic` has as many ready instances as its share of the load needs now, at least one and at least `min`. A
   * version that loses its traffic drains, and keeps no `min`.
   * @throws Problem `unknown_function`, `unknown_version`, `start_failed`, `draining`; the signal's reason. The traffic
   * is as before then
   */
  route(name: string, traffic: Traffic, signal?: AbortSignal): Promise<void>;

  /**
   * Removes a function and everything it owns. False if there was none. Calls under way may finish: those
   * that take longer than a moment do so after it resolved, and the name is free meanwhile.
   */
  remove(name: string): Promise<boolean>;

  /** Functions in order of name, after the name `after`, at most `limit` of them. */
  list(page: { after?: string | undefined; limit: number }): Promise<readonly FunctionSummary[]>;

  /** State of one function, for people. Undefined if there is none. */
  describe(name: string): Promise<FunctionDescription | undefined>;

  /** Hashes and settings of a version; of the current one unless a number is given. Reads no source. */
  find(name: string, version?: number): Promise<VersionRecord | undefined>;

  /** What was posted for a version; for the current one unless a number is given. */
  readSource(name: string, version?: number): Promise<Source | undefined>;

  /** The ready instances of a function by version. Never waits: the request path reads it. */
  endpoints(name: string): Endpoints | undefined;

  /** Those of all functions that there are, for whoever keeps a copy. */
  allEndpoints(): Iterable<Endpoints>;

  /**
   * Calls `listener` after every change of a function's endpoints; undefined means the function is gone.
   * A listener added late reads `endpoints` first. Returns the way to stop.
   */
  watch(listener: EndpointsListener): () => void;

  /**
   * A call waits for this version, which may be one without traffic: at least one instance should become ready.
   * Single flight. Resolves when one is ready, with the steps on the way if the platform knows them.
   * @throws Problem `unknown_function`, `unknown_version`, `no_capacity` (it does not start; `Retry-After` is the
   * back-off), `draining` once it is closed
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: who does not know the steps returns nothing
  wake(name: string, version: number): Promise<readonly WakeStep[] | void>;

  /** The load of one version as a router counts it; scaling out, scaling in and idleness follow from it. */
  report(load: Load): void;

  /**
   * What all versions of the function printed: the last `tail` lines, then (with `follow`) new ones until aborted or
   * removed.
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

/** What an instance starts from, which needs no network for that. */
export type Artifact = {
  readonly kind: "module";
  /** A self-contained ES module in UTF-8, with an inline source map. Bytes, because it may be large and is not read here. */
  readonly code: Uint8Array;
};

/** A version before it has a number. */
export interface Draft {
  readonly name: string;
  /** SHA-256 of source hash and settings in hex: equal content is the same version. */
  readonly hash: string;
  /** SHA-256 of the source's type and bytes in hex. */
  readonly sourceHash: string;
  readonly settings: Settings;
  /** What was posted and built, or the number of a stored version of this function that has the same. */
  readonly content: Content | SameAs;
}

export interface Content {
  readonly source: Source;
  readonly artifact: Artifact;
}

export interface SameAs {
  readonly sameAs: number;
}

/** What is known of a stored version without reading its source. */
export interface VersionRecord {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly sourceHash: string;
  readonly settings: Settings;
  readonly createdAt: Date;
}

export interface Stored {
  readonly name: string;
  readonly version: number;
  /** True if the function had no version before. */
  readonly created: boolean;
}

/**
 * Shares of a function's calls: each version once, weights are positive integers, and the sum of them is what they are
 * parts of.
 */
export type Traffic = readonly Share[];

export interface Share {
  readonly version: number;
  readonly weight: number;
}

export interface FunctionSummary {
  readonly name: string;
  /** The current version: the one with most of the traffic, or the newest if there is no traffic yet. */
  readonly version: number;
  readonly hash: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Ready instances of the current version. */
  readonly ready: number;
}

export interface FunctionDescription extends FunctionSummary {
  /** Of the current version. */
  readonly settings: Settings;
  /** Which versions take calls; empty if none does. */
  readonly traffic: Traffic;
  /** Every kept version, oldest first. */
  readonly versions: readonly { version: number; hash: string; createdAt: Date }[];
  readonly instances: readonly InstanceDescription[];
  /** Newest last. */
  readonly lastErrors: readonly { at: Date; message: string }[];
  /** Why no instance is ready although one should be; absent if all is as it should be. */
  readonly notReady?: string;
  /** What holds its instances in, in words for people. */
  readonly isolation?: { readonly files: string; readonly network: string };
}

export interface InstanceDescription {
  readonly id: string;
  readonly version: number;
  readonly state: "starting" | "ready" | "draining";
  readonly startedAt: Date;
  readonly memoryMiB?: number;
}

/** Where the instances of a function are. Immutable: replaced on every change. */
export interface Endpoints {
  readonly name: string;
  /** Which versions take calls; empty if none does. */
  readonly traffic: Traffic;
  /** Every kept version that may be called, in or out of traffic, in ascending order. */
  readonly versions: readonly VersionEndpoints[];
}

export interface VersionEndpoints {
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

/** The load of one version of a function. */
export interface Load {
  readonly name: string;
  readonly version: number;
  /** Calls that instances are working on now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  /**
   * The calls of each instance that has any, so that one without is stopped first, and one with a stream last. Also of
   * instances that are out of the endpoints, and of a removed function's. Without it all count as idle.
   */
  readonly byInstance?: () => ReadonlyMap<string, InstanceLoad>;
}

export interface InstanceLoad {
  /** Calls that the instance is working on now. */
  readonly calls: number;
  /** Those among them whose response has begun, WebSockets included. */
  readonly streams: number;
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
