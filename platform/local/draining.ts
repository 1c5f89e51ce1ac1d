import type { InstanceProcess } from "./instance-process.ts";

/** Instances that are out of the endpoints and finish the calls under way. */
export class Draining {
  readonly #instances = new Set<InstanceProcess>();
  readonly #streamIdleMs: number;

  constructor(streamIdleMs: number) {
    this.#streamIdleMs = streamIdleMs;
  }

  get size(): number {
    return this.#instances.size;
  }

  [Symbol.iterator](): Iterator<InstanceProcess> {
    return this.#instances.values();
  }

  /**
   * Resolves when it has ended, at most `graceMs` from now: by default the time that a response may take to
   * start and, because it may be a stream, one silence of a stream more.
   */
  async add(instance: InstanceProcess, graceMs?: number): Promise<void> {
    this.#instances.add(instance);
    await instance.drain(graceMs ?? instance.settings.timeoutMs + this.#streamIdleMs);
    this.#instances.delete(instance);
  }

  /** Resolves when all have ended; `graceMs` is for those that have longer. */
  async end(graceMs?: number): Promise<void> {
    const end = (instance: InstanceProcess) =>
      graceMs === undefined ? instance.ended : instance.drain(graceMs);
    await Promise.all([...this.#instances].map(end));
  }
}
