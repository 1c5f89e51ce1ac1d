import type { Attributes } from "./attributes.ts";

/** The context of an event as somebody sent it. */
export interface EventContext {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Everything else, `datacontenttype` included. */
  readonly attributes: Attributes;
}

/** An event as somebody sent it. */
export interface ReceivedEvent extends EventContext {
  readonly data: Uint8Array;
}
