import { overdue } from "./finishing.ts";
import type { InstanceProcess } from "./instance-process.ts";

const LOOK_EVERY_MS = 250;

export interface DrainingOptions {
  readonly streamIdleMs: number;
  /** True if a router knows a call on this instance whose response has begun. */
  readonly hasStream: (id: string) => boolean;
  /** An instance was ended before it had finished, and why. */
  readonly onKill: (instance: InstanceProcess, because: string) => void;
}

/** Instances that are out of the endpoints and finish the calls under way. */
export class Draining {
  readonly #instances = new Set<InstanceProcess>();
  readonly #options: DrainingOptions;

  constructor(options: DrainingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#instances.size;
  }

  [Symbol.iterator](): Iterator<InstanceProcess> {
    return this.#instances.values();
  }

  /** Resolves when it has ended, at most `graceMs` from now: by default as finishing.ts has it. */
  async add(instance: InstanceProcess, graceMs?: number): Promise<void> {
    this.#instances.add(instance);
    await (graceMs === undefined ? this.#finish(instance) : instance.drain(graceMs));
    this.#instances.delete(instance);
  }

  /** Resolves when all have ended; `graceMs` is for those that have longer. */
  async end(graceMs?: number): Promise<void> {
    const end = (instance: InstanceProcess) =>
      graceMs === undefined ? instance.ended : instance.drain(graceMs);
    await Promise.all([...this.#instances].map(end));
  }

  async #finish(instance: InstanceProcess): Promise<void> {
    const { streamIdleMs, hasStream, onKill } = this.#options;
    const { timeoutMs } = instance.settings;
    const sinceMs = performance.now();
    const look = () => {
      const nowMs = performance.now();
      const silentMs = nowMs - Math.max(sinceMs, instance.answeredAtMs);
      const because = overdue({
        forMs: nowMs - sinceMs,
        silentMs,
        hasStream: hasStream(instance.id),
        timeoutMs,
        streamIdleMs,
      });
      if (because === undefined) instance.ask();
      else {
        clearInterval(timer);
        onKill(instance, because);
        instance.kill(because);
      }
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    await instance.drain(timeoutMs + streamIdleMs);
    clearInterval(timer);
  }
}
