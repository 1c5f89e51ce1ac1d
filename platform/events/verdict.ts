/** Whether a declaration does what it says, and figures about it for people. */
export interface Verdict {
  readonly isReady: boolean;
  /** One word, such as `InvalidSpec`. */
  readonly reason: string;
  /** A sentence. */
  readonly message: string;
  /** Undefined values are unknown. */
  readonly figures: Readonly<Record<string, number | string | undefined>>;
}
