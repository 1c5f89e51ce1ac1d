import { formatMs } from "../../quantity.ts";
import type { RunningInstance } from "./running-instance.ts";

const LOOK_EVERY_MS = 250;
/** Silence of its event loop after which a draining instance is killed. */
export const BLOCKED_MS = 3_000;

export interface DrainingOptions {
  readonly streamIdleMs: number;
  /** Whether a router reports a call on this instance whose response has begun. */
  readonly hasStream: (id: string) => boolean;
  /** Called when an instance is killed before it has finished, with the reason. */
  readonly onKill: (instance: RunningInstance, because: string) => void;
}

/** Instances that have left the endpoints and finish the calls under way. */
export class Draining {
  readonly #instances = new Set<RunningInstance>();
  readonly #options: DrainingOptions;

  constructor(options: DrainingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#instances.size;
  }

  [Symbol.iterator](): Iterator<RunningInstance> {
    return this.#instances.values();
  }

  /** Resolves when it has ended, at most `graceMs` from now; by default as `overdue` decides. */
  async add(instance: RunningInstance, graceMs?: number): Promise<void> {
    this.#instances.add(instance);
    await (graceMs === undefined ? this.#finish(instance) : instance.drain(graceMs));
    this.#instances.delete(instance);
  }

  /** Resolves when all have ended; `graceMs` shortens the time of those that have more. */
  async end(graceMs?: number): Promise<void> {
    const end = (instance: RunningInstance) =>
      graceMs === undefined ? instance.ended : instance.drain(graceMs);
    await Promise.all([...this.#instances].map(end));
  }

  async #finish(instance: RunningInstance): Promise<void> {
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

export interface Finishing {
  /** Time since the instance left the endpoints. */
  readonly forMs: number;
  /** Time since its event loop gave a sign of life; at most `forMs`. */
  readonly silentMs: number;
  /** A router reports a call on it whose response has begun. */
  readonly hasStream: boolean;
  /** Time limit of a call until its response starts. */
  readonly timeoutMs: number;
  /** Silence after which a stream is ended. */
  readonly streamIdleMs: number;
}

/**
 * Returns why a draining instance gets no more time; undefined while it may continue. With a stream it has the time of a
 * call and one silence of a stream. Without, it has the time of a call, as long as its event loop responds.
 */
export function overdue(input: Finishing): string | undefined {
  const { forMs, silentMs, hasStream, timeoutMs, streamIdleMs } = input;
  const graceMs = hasStream ? timeoutMs + streamIdleMs : timeoutMs;
  if (!hasStream && silentMs >= BLOCKED_MS) {
    return `was stopped: its event loop was blocked for ${formatMs(BLOCKED_MS)} after it was asked to finish`;
  }
  return forMs >= Math.max(graceMs, BLOCKED_MS)
    ? `was stopped: it had not finished ${formatMs(graceMs)} after it was asked to`
    : undefined;
}
