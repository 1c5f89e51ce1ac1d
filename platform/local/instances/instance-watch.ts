import { formatMs } from "../../quantity.ts";
import { shortageOf } from "../../shortage.ts";
import { ProcessorWatch, type WatchedProcessor } from "../resources/processor-watch.ts";
import { LateProbe, probe } from "./probe.ts";
import type { RunningInstance } from "./running-instance.ts";

export interface WatchTimes {
  readonly tickMs: number;
  readonly probeEveryMs: number;
  /** Least time to answer a probe. A busy event loop may take as long as a call may. */
  readonly probeAtLeastMs: number;
}

export const WATCH_TIMES: WatchTimes = { tickMs: 200, probeEveryMs: 5_000, probeAtLeastMs: 10_000 };

/** Failed probes in a row that end an instance. A single one may have another cause. */
const FAILED_PROBES = 2;
/** Equal samples in a row after which an instance is sampled at every fifth tick only. */
const CALM_AFTER = 10;
const CALM_EVERY = 5;
const CHANGE_MIB = 1;

/** The part of an instance that is watched. */
export type WatchedInstance = Pick<
  RunningInstance,
  "address" | "isForeign" | "settings" | "readyAtMs" | "stopping" | "kill" | "endOutOfMemory"
> & {
  readonly resources: Pick<RunningInstance["resources"], "measure" | "usedMiB"> &
    WatchedProcessor["resources"];
};

export interface Watched {
  readonly instances: () => Iterable<WatchedInstance>;
  /** Called at every tick. */
  readonly tick: (nowMs: number) => void;
  readonly probe?: typeof probe;
}

interface State {
  /** Equal samples of its memory in a row. */
  calm: number;
  failedProbes: number;
  /** Infinite while a probe is under way. */
  probedAtMs?: number;
}

/** Watches the memory of running instances and probes them. */
export class InstanceWatch {
  readonly #watched: Watched;
  readonly #times: WatchTimes;
  readonly #timer: NodeJS.Timeout;
  readonly #states = new WeakMap<WatchedInstance, State>();
  readonly #processor = new ProcessorWatch();
  #ticks = 0;

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
    let index = ++this.#ticks;
    for (const instance of this.#watched.instances()) {
      const state = this.#states.get(instance) ?? { calm: 0, failedProbes: 0 };
      this.#states.set(instance, state);
      // Calm instances take turns, so that the ticks share the work.
      if (state.calm < CALM_AFTER || index++ % CALM_EVERY === 0) checkMemory(instance, state);
      const lastMs = state.probedAtMs ?? instance.readyAtMs;
      const isDue = lastMs !== undefined && lastMs <= nowMs - this.#times.probeEveryMs;
      if (isDue && !instance.stopping) void this.#probe(instance, state);
    }
    this.#processor.tick(this.#watched.instances(), nowMs, this.#times.tickMs);
    this.#watched.tick(nowMs);
  }

  async #probe(instance: WatchedInstance, state: State): Promise<void> {
    state.probedAtMs = Number.POSITIVE_INFINITY;
    const withinMs = Math.max(this.#times.probeAtLeastMs, instance.settings.timeoutMs);
    try {
      await (this.#watched.probe ?? probe)(instance, withinMs);
      state.failedProbes = 0;
    } catch (error) {
      // Skiff may have no open file left for the connection.
      const isOurs = shortageOf(error) !== undefined;
      if (!isOurs) state.failedProbes++;
      if (instance.stopping || isOurs) return;
      // A foreign server may serve one call at a time, and that may be a long stream.
      if (error instanceof LateProbe && instance.isForeign) state.failedProbes = 0;
      else if (error instanceof LateProbe) {
        instance.kill(`was stopped: it did not answer its health probe for ${formatMs(withinMs)}`);
      } else if (state.failedProbes >= FAILED_PROBES) {
        const times = `${state.failedProbes} health probes in a row failed`;
        instance.kill(`was stopped: ${times}: ${(error as Error).message}`);
      }
    } finally {
      state.probedAtMs = performance.now();
    }
  }
}

function checkMemory(instance: WatchedInstance, state: State): void {
  const beforeMiB = instance.resources.usedMiB;
  const usedMiB = instance.resources.measure();
  if (usedMiB === undefined) return;
  const isSame = beforeMiB !== undefined && Math.abs(usedMiB - beforeMiB) < CHANGE_MIB;
  state.calm = isSame ? state.calm + 1 : 0;
  const limitMiB = instance.settings.memoryMiB;
  if (usedMiB <= limitMiB) return;
  const used = `it used ${Math.round(usedMiB)} MiB`;
  instance.endOutOfMemory(`was stopped: ${used}, over its limit of ${limitMiB} MiB (setting memoryMiB)`);
}
