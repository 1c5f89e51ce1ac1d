import { modeOf, type StartSettings } from "../../settings/runtime.ts";
import type { RunningInstance } from "../instances/running-instance.ts";

const SAMPLE_EVERY_MS = 25;
/** Idle samples in a row after which an instance waits for something other than the processor. */
const IDLE_SAMPLES = 4;
/**
 * Several times the work of a start: of Deno and a module of usual size, of Node for the program host, and of the host
 * with a program that serves. More is the function's own work.
 */
const USUAL_WORK_MS = { deno: 100, call: 200, serve: 600 } as const;
/** A start takes longer only on an overloaded machine. */
const LONGEST_MS = 2_000;
/** Assumed length of a start where the system does not report processor time. */
const UNMEASURED_MS = 300;

export interface SampledStart {
  readonly forMs: number;
  /** Processor time used; undefined where the system does not report it. */
  readonly usedMs: number | undefined;
  /** Samples in a row in which it neither ran nor was runnable. */
  readonly idleSamples: number;
  /** Processor time that starts of its kind take at most. */
  readonly usualMs: number;
}

export function usualWorkMs(settings: Pick<StartSettings, "runtime" | "program">): number {
  return USUAL_WORK_MS[modeOf(settings) ?? "deno"];
}

/** True when a start has done its work or waits. Another start may have its place; its own deadline still applies. */
export function isWorkOver({ forMs, usedMs, idleSamples, usualMs }: SampledStart): boolean {
  if (usedMs === undefined) return forMs >= UNMEASURED_MS;
  return idleSamples >= IDLE_SAMPLES || usedMs >= usualMs || forMs >= LONGEST_MS;
}

/**
 * Resolves when an instance is ready, has ended, or no longer needs its place among the starting ones. An instance that
 * still works then yields the processor until it is ready, where that can be undone.
 */
export async function startWork(
  instance: Pick<RunningInstance, "ready" | "resources" | "settings">,
): Promise<void> {
  const { ready, resources, settings } = instance;
  const usualMs = usualWorkMs(settings);
  const { promise, resolve } = Promise.withResolvers<void>();
  const setYielding = (yields: boolean) => resources.yieldProcessor(yields, "its start works for long");
  const settled = () => {
    setYielding(false);
    resolve();
  };
  ready.then(settled, settled);
  const sinceMs = performance.now();
  let usedMs: number | undefined = 0;
  let idleSamples = 0;
  const timer = setInterval(() => {
    const sample = resources.processor();
    const isIdle = sample !== undefined && !sample.runs && sample.usedMs === usedMs;
    idleSamples = isIdle ? idleSamples + 1 : 0;
    usedMs = sample?.usedMs;
    if (!isWorkOver({ forMs: performance.now() - sinceMs, usedMs, idleSamples, usualMs })) return;
    clearInterval(timer);
    if (sample?.runs && resources.yieldsForAWhile) setYielding(true);
    resolve();
  }, SAMPLE_EVERY_MS);
  await promise;
  clearInterval(timer);
}
