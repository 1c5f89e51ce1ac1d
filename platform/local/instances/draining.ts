import { formatMs } from "../../quantity.ts";
import type { RunningInstance } from "./running-instance.ts";

const CHECK_EVERY_MS = 250;
/** Silence of its event loop that ends a draining instance. */
export const BLOCKED_MS = 3_000;

export interface DrainingOptions {
  readonly streamIdleMs: number;
  /** True if a router reports a call on this instance whose response has begun. */
  readonly hasStream: (id: string) => boolean;
  /** Called with the reason when an unfinished instance is killed. */
  readonly onKill: (instance: RunningInstance, because: string) => void;
}

/** Instances that have left the endpoints and finish their calls. */
export class Draining {
  readonly all = new Set<RunningInstance>();
  readonly #options: DrainingOptions;

  constructor(options: DrainingOptions) {
    this.#options = options;
  }

  /** Resolves when the instance has ended, within `graceMs`. By default `overdue` decides. */
  async add(instance: RunningInstance, graceMs?: number): Promise<void> {
    this.all.add(instance);
    await (graceMs === undefined ? this.#finish(instance) : instance.drain(graceMs));
    this.all.delete(instance);
  }

  /** Resolves when all have ended. `graceMs` shortens the time that is left. */
  async end(graceMs?: number): Promise<void> {
    const end = (instance: RunningInstance) =>
      graceMs === undefined ? instance.ended : instance.drain(graceMs);
    await Promise.all([...this.all].map(end));
  }

  async #finish(instance: RunningInstance): Promise<void> {
    const { streamIdleMs, hasStream, onKill } = this.#options;
    const { timeoutMs } = instance.settings;
    const limits = { timeoutMs, streamIdleMs };
    const sinceMs = performance.now();
    const check = () => {
      const nowMs = performance.now();
      const silentMs = nowMs - Math.max(sinceMs, instance.answeredAtMs);
      const isStreaming = hasStream(instance.id);
      const because = overdue({ forMs: nowMs - sinceMs, silentMs, hasStream: isStreaming, ...limits });
      if (because === undefined) return instance.ping();
      clearInterval(timer);
      onKill(instance, because);
      instance.kill(because);
    };
    const timer = setInterval(check, CHECK_EVERY_MS);
    await instance.drain(timeoutMs + streamIdleMs);
    clearInterval(timer);
  }
}

export interface Finishing {
  /** Time since the instance left the endpoints. */
  readonly forMs: number;
  /** Time since its event loop answered a ping; at most `forMs`. */
  readonly silentMs: number;
  readonly hasStream: boolean;
  readonly timeoutMs: number;
  readonly streamIdleMs: number;
}

/**
 * Returns why a draining instance gets no more time; undefined while it may continue. With a stream it has the time of a
 * call plus one silence of a stream. Without one it has the time of a call, while its event loop responds.
 */
export function overdue(input: Finishing): string | undefined {
  const { forMs, silentMs, hasStream, timeoutMs, streamIdleMs } = input;
  if (!hasStream && silentMs >= BLOCKED_MS) {
    return `was stopped: its event loop was blocked for ${formatMs(BLOCKED_MS)} after it was asked to finish`;
  }
  const graceMs = hasStream ? timeoutMs + streamIdleMs : timeoutMs;
  if (forMs < Math.max(graceMs, BLOCKED_MS)) return undefined;
  return `was stopped: it had not finished ${formatMs(graceMs)} after it was asked to`;
}
