import { formatMs } from "../quantity.ts";
import type { InstanceProcess } from "./instance-process.ts";
import { LateProbe, probe } from "./probe.ts";
import { anonymousMemoryMiB } from "./process-table.ts";

export interface WatchTimes {
  readonly tickMs: number;
  readonly probeEveryMs: number;
  /** A busy event loop answers its probe late; only one that is later than any call may be is stuck. */
  readonly probeAtLeastMs: number;
}

export const WATCH_TIMES: WatchTimes = { tickMs: 200, probeEveryMs: 5_000, probeAtLeastMs: 10_000 };

/** Probes that fail in a row before it is the instance's fault: one may fail for a reason of our own. */
const FAILED_PROBES = 2;

/** What is looked after of an instance. */
export type WatchedInstance = Pick<
  InstanceProcess,
  "pid" | "address" | "settings" | "readyAtMs" | "stopping" | "kill"
>;

export interface Watched {
  /** Every process there is, also the starting and the draining ones. */
  readonly instances: () => Iterable<WatchedInstance>;
  /** Called at every tick. */
  readonly tick: (nowMs: number) => void;
}

interface Probed {
  /** Infinite while a probe is under way. */
  readonly atMs: number;
  /** That failed in a row. */
  readonly failed: number;
}

/** Looks after running instances: their memory, and whether they still answer. */
export class InstanceWatch {
  readonly #watched: Watched;
  readonly #times: WatchTimes;
  readonly #timer: NodeJS.Timeout;
  readonly #probed = new WeakMap<WatchedInstance, Probed>();

  constructor(watched: Watched, times: WatchTimes) {
    this.#watched = watched;
    this.#times = times;
    this.#timer = setInterval(() => this.#tick(performance.now()), times.tickMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(nowMs: number): void {
    for (const instance of this.#watched.instances()) {
      checkMemory(instance);
      if (isDue(instance, this.#probed.get(instance), nowMs - this.#times.probeEveryMs)) {
        void this.#checkAnswers(instance);
      }
    }
    this.#watched.tick(nowMs);
  }

  async #checkAnswers(instance: WatchedInstance): Promise<void> {
    const { failed = 0 } = this.#probed.get(instance) ?? {};
    this.#probed.set(instance, { atMs: Number.POSITIVE_INFINITY, failed });
    const withinMs = Math.max(this.#times.probeAtLeastMs, instance.settings.timeoutMs);
    try {
      await probe(instance.address.unix, withinMs);
      this.#probed.set(instance, { atMs: performance.now(), failed: 0 });
    } catch (error) {
      this.#probed.set(instance, { atMs: performance.now(), failed: failed + 1 });
      if (instance.stopping) return;
      if (error instanceof LateProbe) {
        instance.kill(`was stopped: it did not answer its health probe for ${formatMs(withinMs)}`);
      } else if (failed + 1 >= FAILED_PROBES) {
        const times = `${failed + 1} health probes in a row failed`;
        instance.kill(`was stopped: ${times}: ${(error as Error).message}`);
      }
    }
  }
}

function isDue(instance: WatchedInstance, probed: Probed | undefined, beforeMs: number): boolean {
  const lastMs = probed?.atMs ?? instance.readyAtMs;
  return lastMs !== undefined && lastMs <= beforeMs && !instance.stopping;
}

function checkMemory(instance: WatchedInstance): void {
  const limitMiB = instance.settings.memoryMiB;
  const usedMiB = anonymousMemoryMiB(instance.pid);
  if (usedMiB === undefined || usedMiB <= limitMiB) return;
  instance.kill(
    `was stopped: it used ${Math.round(usedMiB)} MiB, over its limit of ${limitMiB} MiB (setting memoryMiB)`,
  );
}
