import type { RunningInstance } from "../instances/running-instance.ts";

const LOOK_EVERY_MS = 25;
/** Looks in a row at an instance that did nothing, after which it waits for something else than the processor. */
const IDLE_LOOKS = 4;
/** Several times what Deno and a module of usual size take: from then on it is the module's own work. */
const USUAL_WORK_MS = 100;
/** A start takes longer only on a machine that has no time for it. */
const LONGEST_MS = 2_000;
/** Where the system does not say what a process does. */
const UNSEEN_MS = 300;

export interface SeenStart {
  readonly forMs: number;
  /** Processor time that it has used; undefined where the system does not say. */
  readonly usedMs: number | undefined;
  /** Looks in a row in which it neither ran nor wanted to. */
  readonly idleLooks: number;
}

/** True when a start has done its work, or waits: others may have its place, while it goes on under its own deadline. */
export function isWorkOver({ forMs, usedMs, idleLooks }: SeenStart): boolean {
  if (usedMs === undefined) return forMs >= UNSEEN_MS;
  return idleLooks >= IDLE_LOOKS || usedMs >= USUAL_WORK_MS || forMs >= LONGEST_MS;
}

/**
 * Resolves when an instance is ready, has ended, or needs its place among the starting ones no more. One that then still
 * works lets all others go first until it is ready, where that can be taken back.
 */
export async function startWork({
  ready,
  resources,
}: Pick<RunningInstance, "ready" | "resources">): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const yields = (yes: boolean) => resources.yieldProcessor(yes, "its start works for long");
  const settled = () => {
    yields(false);
    resolve();
  };
  ready.then(settled, settled);
  const sinceMs = performance.now();
  let usedMs: number | undefined = 0;
  let idleLooks = 0;
  const timer = setInterval(() => {
    const seen = resources.processor();
    const isIdle = seen !== undefined && !seen.runs && seen.usedMs === usedMs;
    idleLooks = isIdle ? idleLooks + 1 : 0;
    usedMs = seen?.usedMs;
    if (!isWorkOver({ forMs: performance.now() - sinceMs, usedMs, idleLooks })) return;
    clearInterval(timer);
    if (seen?.runs && resources.yieldsForAWhile) yields(true);
    resolve();
  }, LOOK_EVERY_MS);
  await promise;
  clearInterval(timer);
}
