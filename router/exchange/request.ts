import type { IncomingMessage } from "node:http";

/** The fields that a call looks at itself; all of them are passed on from `rawHeaders`. */
export interface KnownFields {
  readonly connection?: string | undefined;
  readonly forwarded?: string | string[] | undefined;
  readonly traceparent?: string | string[] | undefined;
  readonly "user-agent"?: string | undefined;
  readonly "x-forwarded-for"?: string | string[] | undefined;
}

/** The head of a request as its instance gets it, without what is another one for each call. */
export interface OutgoingHead {
  /** The request line and fields; more fields may follow. */
  readonly text: string;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** The head of a request, read by node's server or by plain-head.ts. */
export interface CallRequest
  extends Readonly<Pick<IncomingMessage, "method" | "url" | "httpVersion" | "httpVersionMinor" | "socket">> {
  /** Names as they were sent and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: KnownFields;
  /** Kept by the call: on a connection with plain requests the same one comes again as the same object. */
  again?: OutgoingHead | undefined;
}
