import type { RunningInstance } from "./running-instance.ts";

/** Time that an instance has to end by itself after its call. Work of its `waitUntil` gets the time of a drain then. */
export const LEAVING_MS = 1_000;

export interface SpentOptions {
  /** True if a router reports the call of this instance. */
  readonly hasCall: (id: string) => boolean;
  /** Called once for an instance that did not end after its call. The receiver ends it. */
  readonly onOverdue: (instance: RunningInstance) => void;
  /** Called when an instance has ended by itself. */
  readonly onEnd: (instance: RunningInstance, how: string) => void;
}

/** Instances that have taken the one call of their life. They end by themselves after it. */
export class Spent {
  readonly #options: SpentOptions;
  /** When each was last known to have its call. */
  readonly #busyAtMs = new Map<RunningInstance, number>();
  /** Ids of ended ones, whose calls routers may report still, and until when at least. */
  readonly #ended = new Map<string, number>();

  constructor(options: SpentOptions) {
    this.#options = options;
  }

  get all(): Iterable<RunningInstance> {
    return this.#busyAtMs.keys();
  }

  /** Ids of instances whose calls ask for no other instance. */
  *ids(): Iterable<{ readonly id: string }> {
    yield* this.#busyAtMs.keys();
    for (const id of this.#ended.keys()) yield { id };
  }

  get count(): number {
    return this.#busyAtMs.size;
  }

  add(instance: RunningInstance, nowMs: number): void {
    this.#busyAtMs.set(instance, nowMs);
    void instance.exited.then((how) => {
      if (!this.#busyAtMs.delete(instance)) return;
      this.#ended.set(instance.id, performance.now() + LEAVING_MS);
      this.#options.onEnd(instance, how);
    });
  }

  /** Hands those over whose call ended LEAVING_MS ago; called a few times a second. */
  check(nowMs: number): void {
    for (const [id, untilMs] of this.#ended) {
      if (nowMs >= untilMs && !this.#options.hasCall(id)) this.#ended.delete(id);
    }
    for (const [instance, busyAtMs] of this.#busyAtMs) {
      if (this.#options.hasCall(instance.id)) this.#busyAtMs.set(instance, nowMs);
      else if (nowMs - busyAtMs >= LEAVING_MS) {
        this.#busyAtMs.delete(instance);
        this.#options.onOverdue(instance);
      }
    }
  }

  /** Hands all over to the caller, which ends them. */
  removeAll(): readonly RunningInstance[] {
    const all = [...this.#busyAtMs.keys()];
    this.#busyAtMs.clear();
    return all;
  }
}
