import { threadMs } from "./thread-time.ts";

/**
 * The longest time for which this thread was busy without a pause while `work` was done, in milliseconds: its time
 * on a processor, so that a machine which is busy with other things does not count.
 */
export async function longestBusyMs(work: () => Promise<unknown>): Promise<number> {
  let isDone = false;
  let longestMs = 0;
  let lastMs = threadMs();
  const look = () => {
    const nowMs = threadMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isDone) setImmediate(look);
  };
  setImmediate(look);
  try {
    await work();
  } finally {
    isDone = true;
  }
  look();
  return longestMs;
}
