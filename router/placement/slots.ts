/** The calls of one instance that this router may have in flight, and those that it has. */
export class Slots {
  /** Given and taken by whoever shares the instance among routers; a router alone has the whole concurrency. */
  total: number;
  /** Changed by the function's route alone. */
  used = 0;

  constructor(total: number) {
    this.total = total;
  }

  get free(): number {
    return this.total - this.used;
  }
}

/** The slots of one function's instances, as its route uses them. */
export interface FunctionSlots {
  /** The slots of an instance. `concurrency` is what all routers together may use of it. */
  of(instance: string, concurrency: number): Slots;
  /** Calls that wait at the other routers which share the slots; near enough to hold a limit. */
  readonly waitingElsewhere: number;
  /** So many calls wait here, the first of them since `sinceMs` (by `performance.now`). */
  waiting(calls: number, sinceMs: number): void;
  /** A call gave its slot back; `sinceMs` is of the first that waits here, undefined if none does. */
  freed(instance: string, sinceMs: number | undefined): void;
  /** `listener` runs when slots came; a second one takes the place of the first. */
  onGranted(listener: () => void): void;
}

/** For a router that shares its instances with nobody. */
export const WHOLE_SLOTS: FunctionSlots = {
  of: (_, concurrency) => new Slots(concurrency),
  waitingElsewhere: 0,
  waiting() {},
  freed() {},
  onGranted() {},
};
