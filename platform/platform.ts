import { launchOf } from "../client-image/project/project-pack.ts";
import type { Declarations } from "./declarations.ts";
import type { RetrySettings } from "./events/retry-policy.ts";
import type { Commands } from "./images/commands.ts";
import type { Images } from "./images/images.ts";
import type { Secrets } from "./secrets.ts";
import type { Quota } from "./settings/quota.ts";
import type { FunctionAccess, Settings } from "./settings/settings.ts";

/**
 * Runs functions. Callers declare which versions exist and read which instances are ready; each implementation decides
 * how it starts instances. The interface has no HTTP and no Kubernetes types. Storing a version and routing calls to it
 * are separate, so that several versions of a function can serve at once; deploying.ts does both.
 */
export interface Platform {
  readonly abilities: Abilities;

  /** Everything that should exist besides functions. */
  readonly declarations: Declarations;

  /** The values that functions get and nobody reads back. */
  readonly secrets: Secrets;

  /** Absent where no image can run. */
  readonly images?: Images;

  /** Absent where no command can run. */
  readonly commands?: Commands;

  /**
   * Stores a version without calls. Resolves when it is durable and an instance of it has answered a probe. That
   * instance runs for `idleMs`, so that a following `route` finds it. Numbers grow by one for each function. A number is
   * not reused while a version or an instance with it may exist. An error leaves everything unchanged.
   * @throws Problem `start_failed` with the last log lines, `draining` after `close`, `unknown_version` if the version
   * in `sameAs` does not exist, `precondition_failed`, `unknown_secret`, `secrets_unavailable`; the signal's reason; an
   * error of a full disk, which `toProblem` converts
   */
  store(draft: Draft, signal?: AbortSignal): Promise<Stored>;

  /**
   * Prepares for a `store` of a module with these settings, which is still being built. A hint, which may be wrong.
   * Absent on platforms that have nothing to prepare.
   */
  expectModule?(settings: Settings): void;

  /**
   * Sends calls to versions by weight. Resolves when every router has applied it. Before that, each version in `traffic`
   * gets as many ready instances as its share of the load needs now, at least one and at least `min`. A version that
   * loses its traffic drains, and keeps no `min`. An error leaves the traffic unchanged.
   * @param rules replace those of the last `route`; without them the function has none
   * @throws Problem `unknown_function`, `unknown_version`, `start_failed`, `draining`, `precondition_failed`; the signal's
   * reason
   */
  route(name: string, traffic: Traffic, signal?: AbortSignal, rules?: RouteRules): Promise<void>;

  /**
   * Keeps a version although newer ones are over the limit, or no longer.
   * @throws Problem `unknown_function`, `unknown_version`, `invalid_request` over `versionsKept` pinned versions
   */
  pin(name: string, version: number, isPinned: boolean): Promise<void>;

  /**
   * Removes a function and everything it owns. False if it did not exist. Calls in flight may finish, long ones after
   * this has resolved and the name is free again.
   * @throws Problem `precondition_failed`
   */
  remove(name: string, expected?: Precondition): Promise<boolean>;

  /** Lists at most `limit` functions by name, starting behind the name `after`. */
  list(page: Omit<Page, "names">): Promise<readonly FunctionSummary[]>;

  /**
   * Describes functions in order of name, for pages that ask every few seconds. The newest changes and the memory of
   * instances may be missing. A function whose code is lost has only its summary.
   */
  describePage(page: Page): Promise<readonly (FunctionDescription | FunctionSummary)[]>;

  /** Describes one function for people. Undefined if it does not exist. */
  describe(name: string): Promise<FunctionDescription | undefined>;

  /** Returns hashes and settings of a version, of the current one by default. Reads no source. */
  find(name: string, version?: number): Promise<VersionRecord | undefined>;

  /** Returns every kept version, oldest first. Undefined if the function does not exist. */
  listVersions(name: string): Promise<readonly VersionRecord[] | undefined>;

  /** Reads the posted source of a version, of the current one by default. */
  readSource(name: string, version?: number): Promise<Source | undefined>;

  /** Returns the ready instances of a function by version, from memory: each call reads it. */
  endpoints(name: string): Endpoints | undefined;

  /** Returns the endpoints of all functions. */
  allEndpoints(): Iterable<Endpoints>;

  /**
   * Calls `listener` after every change of a function's endpoints, with undefined after a removal. The current state is
   * in `allEndpoints`. Returns a function that removes the listener.
   */
  watch(listener: EndpointsListener): () => void;

  /**
   * Starts an instance of a version for which a call waits, with or without traffic. Concurrent calls share one start.
   * Resolves when an instance is ready, with the steps of the start if the platform measures them.
   * @throws Problem `unknown_function`, `unknown_version`, `no_capacity` (it does not start; `retryAfterS` is the
   * back-off), `draining` after `close`
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: platforms that measure no steps return nothing
  wake(name: string, version: number): Promise<readonly WakeStep[] | void>;

  /** Reports the load of one version, as a router counts it. The platform scales by it. */
  report(load: Load): void;

  /**
   * Reads the output of all versions: the last `tail` lines, then with `follow` new ones until the signal aborts or the
   * function is removed.
   * @throws Problem `unknown_function`
   */
  logs(name: string, options: LogOptions): AsyncIterable<LogLine>;

  /** Stops every instance within `drainMs` and releases all resources. */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** Declares what an implementation can do, for the conformance suite. */
export interface Abilities {
  /** Adds instances when the reported load requires it. */
  readonly scalesOut: boolean;
  /** Stops all instances of an idle function whose `min` is 0. */
  readonly scalesToZero: boolean;
  /** Runs real code, unlike the in-memory fake. */
  readonly runsCode: boolean;
  /** State outlives `close`. */
  readonly durable: boolean;
}

/** One file, or an archive of files, as it was posted. */
export interface Source {
  readonly bytes: Uint8Array;
  /** The recognised media type, which determines how the source is built and served back. */
  readonly type: SourceType;
}

/** `application/octet-stream`: the file of a program. `application/vnd.skiff.image+json`: an `ImageSource`. */
export type SourceType =
  | "text/typescript"
  | "application/x-tar"
  | "application/gzip"
  | "application/zip"
  | "application/octet-stream"
  | "application/vnd.skiff.image+json";

/** The input of an instance. It starts without a network. */
export interface Artifact {
  /** `module`: `code` is an ES module in UTF-8 that needs nothing else. `project`: `code` is a packed project. */
  readonly kind: "module" | "project";
  readonly code: Uint8Array;
}

/** Returns stored code as an artifact: the first bytes tell the two kinds apart. */
export function artifactOf(code: Uint8Array): Artifact {
  return { kind: launchOf(code) === undefined ? "module" : "project", code };
}

/** A version before it has a number. */
export interface Draft {
  readonly name: string;
  /** SHA-256 of source hash and settings in hex, which identifies the version. */
  readonly hash: string;
  /** SHA-256 of the source's type and bytes in hex. */
  readonly sourceHash: string;
  readonly settings: Settings;
  /** Source and bundle, or the number of a stored version of this function with the same content. */
  readonly content: Content | { readonly sameAs: number };
  /** Not part of the hash. */
  readonly note?: VersionNote | undefined;
  /** Checked again when the version is stored, because another manager may have changed the function. */
  readonly expected?: Precondition | undefined;
}

/** Who deployed a version, and why. */
export interface VersionNote {
  /** Such as `token` or `local`; `unknown` for versions of an older Skiff. */
  readonly by: string;
  readonly message?: string | undefined;
  /** Id of the git commit, 40 hexadecimal digits in lower case. */
  readonly commit?: string | undefined;
  /** Author of that commit. Set only for versions that Skiff deployed from a git repository. */
  readonly author?: string | undefined;
}

export interface Content {
  readonly source: Source;
  readonly artifact: Artifact;
}

/** A stored version without its source and bundle. */
export interface VersionRecord extends Omit<Draft, "content" | "note" | "expected"> {
  readonly version: number;
  readonly createdAt: Date;
  readonly note: VersionNote;
  /** Absent for versions of an older Skiff on Kubernetes. */
  readonly sourceBytes?: number | undefined;
  /** It is kept although newer ones are over the limit. */
  readonly pinned: boolean;
}

export interface Stored {
  readonly name: string;
  readonly version: number;
  /** True if the function had no version before. */
  readonly created: boolean;
}

/** Shares of a function's calls. Each version occurs once, and its share is its weight divided by the sum of all. */
export type Traffic = readonly Share[];

export interface Share {
  readonly version: number;
  /** A positive integer. */
  readonly weight: number;
}

/** What holds besides the weights until the traffic changes again. */
export interface RouteRules {
  readonly sticky?: Sticky | undefined;
  readonly guard?: Guard | undefined;
  readonly expected?: Precondition | undefined;
}

/** Where the value is by which a caller stays with its version. */
export type Sticky = { readonly cookie: string } | { readonly header: string };

/** When a fresh version loses its traffic by itself. */
export interface Guard {
  /** How much larger its share of failed calls may be than that of the other versions, from 0 to 1. */
  readonly errorRate?: number | undefined;
  /** How many times as long its 95th percentile may be. */
  readonly slowdown?: number | undefined;
  /** Calls of the fresh version that are compared. */
  readonly calls: number;
}

/** What a change requires of the function: that it exists or does not, or that one of these versions is the current one. */
export type Precondition = "exists" | "absent" | readonly number[];

/** Part of a list of functions. */
export interface Page {
  /** The name before the first one. */
  readonly after?: string | undefined;
  /** Most functions. */
  readonly limit: number;
  /** Only these; by default all. */
  readonly names?: readonly string[] | undefined;
}

export interface FunctionSummary {
  readonly name: string;
  /** The current version: the one with the largest share of the traffic, or the newest without traffic. */
  readonly version: number;
  readonly hash: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Ready instances of the current version. */
  readonly ready: number;
}

export interface FunctionDescription extends FunctionSummary {
  /** Settings of the current version. */
  readonly settings: Settings;
  /** Empty if no version takes calls. */
  readonly traffic: Traffic;
  readonly sticky?: Sticky | undefined;
  readonly guard?: Guard | undefined;
  /** The version that last had all calls before the present traffic; it may be forgotten. Absent if there is none. */
  readonly previous?: number | undefined;
  /** Every kept version, oldest first. */
  readonly versions: readonly { version: number; hash: string; createdAt: Date }[];
  readonly instances: readonly InstanceDescription[];
  /** Newest last. */
  readonly lastErrors: readonly { at: Date; message: string }[];
  /** Why a required instance is not ready. */
  readonly notReady?: string;
  /** Describes the walls around its instances for people. */
  readonly isolation?: { readonly files: string; readonly network: string };
}

export interface InstanceDescription {
  readonly id: string;
  readonly version: number;
  /** `spent`: it has taken the one call of its life (`isolation: call`). */
  readonly state: "starting" | "ready" | "spent" | "draining";
  readonly startedAt: Date;
  readonly memoryMiB?: number;
}

/** The instances of a function. Immutable: a change replaces it. */
export interface Endpoints {
  readonly name: string;
  /** Empty if no version takes calls. */
  readonly traffic: Traffic;
  /** Absent: each call is placed by the weights alone. */
  readonly sticky?: Sticky | undefined;
  /** Every kept version that accepts calls, with or without traffic, in ascending order. */
  readonly versions: readonly VersionEndpoints[];
  /** Host names at whose root the function is served: those of its current version. Absent if there are none. */
  readonly hosts?: readonly string[];
  /** Who may call any version of it: the setting of its current version. Absent: everybody. */
  readonly access?: FunctionAccess;
  /** What the calls of all versions together may use: that of its current version. Absent if nothing is limited. */
  readonly quota?: Quota;
  /** Cron expressions of its current version, which call the function. Absent if there are none. */
  readonly cron?: readonly string[];
  /** When asynchronous calls are tried again: that of its current version. Absent if it sets no member. */
  readonly retry?: RetrySettings;
}

export interface VersionEndpoints {
  readonly version: number;
  /** Most instances. */
  readonly max: number;
  /** Calls that one instance runs at a time. */
  readonly concurrency: number;
  /** Longest time until the response of a call starts. */
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** Each instance takes one call in its life (`isolation: call`). */
  readonly isOnce?: boolean;
  /**
   * The instances are foreign HTTP servers: they know nothing of places, waits and probes of Skiff, so each router keeps
   * its own calls within `concurrency`.
   */
  readonly isForeign?: boolean;
  readonly instances: readonly Instance[];
}

export interface Instance {
  /** Never reused. */
  readonly id: string;
  readonly address: Address;
}

export type Address = { readonly unix: string } | { readonly host: string; readonly port: number };

export type EndpointsListener = (name: string, endpoints: Endpoints | undefined) => void;

/** The load of one version of a function. */
export interface Load {
  readonly name: string;
  readonly version: number;
  /** Calls that instances run now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  /**
   * Returns the calls of each busy instance, including instances outside the endpoints and those of a removed function.
   * Idle instances are stopped first, those with a stream last. Without it all instances count as idle.
   */
  readonly byInstance?: () => ReadonlyMap<string, InstanceLoad>;
}

export interface InstanceLoad {
  /** Calls that the instance runs now. */
  readonly calls: number;
  /** Calls among them whose response has begun, and WebSockets. */
  readonly streams: number;
}

/** A completed step of a start. */
export interface WakeStep {
  /**
   * `api`: the cluster has accepted the request. A pod of the pool follows with `claim` and `load` (of the function), a
   * new pod with `pod` (created), `schedule`, `container` (runs) and `start` (answers).
   */
  readonly name: "api" | "claim" | "load" | "pod" | "schedule" | "container" | "start";
  /** Milliseconds since the call requested an instance. */
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
  /** `call`: the router's line about a call that failed. */
  readonly stream: "stdout" | "stderr" | "platform" | "call";
  readonly text: string;
  /** The version that printed it; absent where the platform does not know it. */
  readonly version?: number;
  /** Absent: `error` for the stream `stderr`, `info` for the others. */
  readonly level?: LogLevel;
  /** The call during which it was printed. */
  readonly callId?: string;
  /** Status of the response, in lines of the stream `call`. */
  readonly status?: number;
}

export type LogLevel = (typeof LOG_LEVELS)[number];
/** In ascending order. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
