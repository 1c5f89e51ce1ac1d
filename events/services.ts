import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../http/access/access.ts";
import type { TrustedProxies } from "../http/trusted-proxies.ts";
import type { FiringCounts } from "../metrics/event-families.ts";
import type { CommandRules } from "../platform/images/command-rules.ts";
import type { KeyTable } from "../platform/keys/key-table.ts";
import type { Limits } from "../platform/limits.ts";
import type { Platform } from "../platform/platform.ts";
import type { Answer, Attempt } from "../store/call.ts";
import type { LeasedCall, Settlement } from "../store/calls.ts";
import type { StoreChanges } from "../store/changes.ts";
import type { EventStore, UsageLedger } from "../store/store.ts";

export interface EventsOptions {
  /** Announces its changes (store/changes.ts). */
  readonly store: EventStore;
  readonly changes: StoreChanges;
  readonly platform: Pick<Platform, "endpoints" | "allEndpoints" | "watch" | "declarations">;
  /** Gets the last use of keys, which is not kept by default. */
  readonly usage?: Pick<UsageLedger, "add" | "lastUse">;
  /** The keys that are accepted. The owner keeps them in step with the platform. */
  readonly keys: KeyTable;
  /** The access rule of the management API. */
  readonly access: Access;
  readonly limits: Limits;
  /** Proxies that name the address of the client. None by default. */
  readonly proxies?: TrustedProxies | undefined;
  /** Returns the base of the router's URLs, such as `http://127.0.0.1:8080`, without a slash at its end. */
  readonly router: () => string;
  /** The same of the management API; that of the router by default. */
  readonly manager?: () => string;
  /** The same of the program that begins runs of flows; that of the router by default. */
  readonly flows?: () => string;
  /** Whether commands may wait, and in which images they run. None by default. */
  readonly commandRules?: CommandRules;
  /** Text of the internal key (platform/keys/internal-key.ts). */
  readonly callerKey: string;
  /**
   * Other programs use the store too: their changes are found by polling, and calls of a worker that has died are taken
   * over after some time. False: everything that another worker left is taken over at once.
   */
  readonly isShared: boolean;
  /** The variables `SKIFF_*`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What the parts of events share. */
export interface EventServices extends EventsOptions {
  /** Called with the id of each key that is used. */
  readonly keyUsed?: (id: string) => void;
}

/** A part of events. It lives from the start of events to their drain. */
export interface EventsPart {
  /** Answers the requests whose paths are in the part's row (events.ts). */
  readonly handler?: RequestHandler;
  readonly deliveries?: DeliveryHooks;
  /** How late schedules fired, for metrics. */
  delays?(): FiringCounts;
  /** Stops what it does by itself. Requests under way go on. */
  close(): Promise<void>;
}

/** What a part adds to the calls that workers run. */
export interface DeliveryHooks {
  /** Returns what is stored in the transaction that ends an attempt, for calls of this part's origin. */
  ended?(end: AttemptEnd): Promise<Effects> | Effects;
  /** Queues that rest, such as those of paused subscriptions. */
  resting?(): readonly string[];
  /** Queues of which fewer calls run at a time than SKIFF_EVENT_CALLS_EACH, with their number. */
  limits?(): Iterable<readonly [queue: string, most: number]>;
  /** The queues besides `fn/NAME` whose calls are for a function, with its name. */
  functions?(): Iterable<readonly [queue: string, name: string]>;
}

export interface AttemptEnd {
  readonly call: LeasedCall;
  /** Absent for a call that died of its age or of a worker's death, without another attempt. */
  readonly attempt?: Attempt | undefined;
  readonly outcome: Settlement["outcome"];
  /** Absent if the function did not answer. */
  readonly answer?: Answer | undefined;
}

export interface Effects extends Pick<Settlement, "calls" | "events" | "reply"> {
  /** Why the call is dead although the function answered, as a sentence. */
  readonly fault?: string;
}
