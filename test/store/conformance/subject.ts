import type { Store } from "../../../store/store.ts";

export type History = Pick<Store, "usage" | "audit" | "close"> & {
  /** Removes a batch of what is too old at `now`. Returns whether more is left. */
  removeOld(now: Date): Promise<boolean>;
};

/** What the suites have to know about an implementation besides the seam. */
export interface Harness<S> {
  /** A store on new state. */
  open(): Promise<S>;
  /** A store on the state of another one, which is closed or belongs to another program. */
  reopen(store: S): Promise<S>;
  /** Ends what `open` and `reopen` made, also what a test closed already. */
  dispose(): Promise<void>;
}
