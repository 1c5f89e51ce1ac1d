import type { StoredBody } from "./bodies.ts";

/** An event (CloudEvents 1.0). */
export interface NewEvent {
  readonly topic: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /**
   * Every other context attribute and extension in its text form, by its name in lower case: `subject`, `time`,
   * `datacontenttype`, `replyto`, `traceparent`…
   */
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: StoredBody;
  /** Request that the event came from, where a gateway must keep it. */
  readonly http?:
    | { readonly method: string; readonly path: string; readonly headers: readonly string[] }
    | undefined;
  /** Somebody waits for a reply, under this id, until this time. */
  readonly waiter?: { readonly id: string; readonly until: number } | undefined;
  /** A repeated source and id is the same event. */
  readonly isDeduplicated: boolean;
}
