/** The spec of a `Topic` declaration. A topic also exists, with all defaults, while a subscription names it. */
export interface TopicSpec {
  /** Beginnings of paths below `/gateway` whose requests are published here, such as `/test`. */
  readonly paths?: readonly string[];
  /** Longest wait of the gateway for a reply, such as `30s`. With `0s` it answers 202 at once. */
  readonly replyTimeout?: string;
  /** Who may publish: callers with a key of the scope `call` (default), or everybody. */
  readonly access?: "key" | "public";
  /** Age of kept events; `168h` by default. */
  readonly keepFor?: string;
  /** Bytes of kept events; `1Gi` by default. */
  readonly keepBytes?: string;
  /** Most bytes of an event; `1Mi` by default. */
  readonly maxEvent?: string;
}
