import type { RequestHandler, Surroundings } from "../calling/surroundings.ts";
import type { FiringCounts } from "../metrics/event-families.ts";
import type { CommandRules } from "../platform/images/command-rules.ts";
import type { Answer, Attempt } from "../store/call.ts";
import type { LeasedCall, Settlement } from "../store/calls.ts";
import type { EventStore } from "../store/store.ts";

export type { RequestHandler } from "../calling/surroundings.ts";

export interface EventsOptions extends Surroundings {
  /** Announces its changes (store/changes.ts). */
  readonly store: EventStore;
  /** Returns the base of the URLs of the program that begins runs of flows; that of the router by default. */
  readonly flows?: () => string;
  /** Whether commands may wait, and in which images they run. None by default. */
  readonly commandRules?: CommandRules;
}

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
