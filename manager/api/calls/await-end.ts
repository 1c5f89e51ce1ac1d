import { setTimeout as delay } from "node:timers/promises";
import { clientSignal } from "../../../http/client-signal.ts";
import { Problem } from "../../../platform/problems.ts";
import { parseDurationMs } from "../../../platform/quantity.ts";
import type { Call, Services } from "../services.ts";

const LONGEST_WAIT_MS = 60_000;
/** Each pause is longer than the one before, so that many long waits leave the store alone. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [20, 1_000];

/** Reads a record again and again, until it has ended, the time is up, or the client leaves. */
export async function awaitEnd<R>(
  { keys: { now }, closing }: Pick<Services, "keys" | "closing">,
  { res }: Pick<Call, "res">,
  {
    waitMs,
    read,
    hasEnded,
  }: {
    readonly waitMs: number;
    readonly read: () => Promise<R>;
    readonly hasEnded: (record: R) => boolean;
  },
): Promise<R> {
  const until = now() + waitMs;
  const leaving = AbortSignal.any([clientSignal(res), closing]);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)) {
    const record = await read();
    const leftMs = until - now();
    if (hasEnded(record) || leftMs <= 0 || leaving.aborted) return record;
    await delay(Math.min(pauseMs, leftMs), undefined, { signal: leaving }).catch((error: Error) => {
      if (error.name !== "AbortError") throw error;
    });
  }
}

/** Reads the parameter `wait`, at most 60 s. */
export function readWait(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = text === "" ? undefined : parseDurationMs(text);
  if (ms !== undefined && ms <= LONGEST_WAIT_MS) return ms;
  const detail = `wait=${text.slice(0, 40)} is not a duration from 0 to 60 s: use one such as 30s.`;
  throw new Problem("invalid_request", detail);
}
