/** What became of a request that was sent. */
export type Sent =
  | { readonly response: ReceivedHead }
  /** The request may have arrived, and there is no whole response: why, as a sentence. */
  | { readonly broken: string }
  /** No byte can have reached anything that runs the call: why, as a sentence. */
  | { readonly unreached: string }
  /** Skiff could not send it for now, whoever it is for: why, as a sentence. */
  | { readonly postponed: string }
  /** It must not be sent at all: why, as a sentence. */
  | { readonly forbidden: string };

export interface ReceivedHead {
  readonly status: number;
  /** The code of a problem with which Skiff answered instead of the function. */
  readonly code?: string | undefined;
  /** A problem of a call that no instance has got. */
  readonly isUnforwarded?: boolean | undefined;
  /** From the header Retry-After. */
  readonly retryAfterMs?: number | undefined;
  /** The beginning of the body, or the detail of a problem. */
  readonly text: string;
}
