import type { AttemptOf } from "./entry.ts";

/** `RUN.STEP.ATTEMPT` or `RUN.STEP.ITEM.ATTEMPT`: names an attempt of a run, also after a crash. */
export function attemptKey(run: string, { step, item, attempt }: AttemptOf): string {
  return [run, step, ...(item === undefined ? [] : [item]), attempt].join(".");
}
