import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Problem } from "../../problems.ts";
import { isDiskFull, shortageOf } from "../../shortage.ts";

const RETRY_AFTER_S = 5;

/** Thrown when the machine cannot launch an instance. No code of the function ran: the function is not at fault. */
export class LaunchError extends Error {
  override readonly name = "LaunchError";
}

/** Waits for the error of a process that the system did not start. */
export async function notSpawned(child: ChildProcess): Promise<LaunchError> {
  const [cause] = (await once(child, "error")) as [Error];
  return new LaunchError(cause.message, { cause });
}

/** Returns the error for callers. Shortages, which name their remedy, and other errors stay as they are. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof LaunchError) || isDiskFull(error) || shortageOf(error) !== undefined) return error;
  const detail = `This machine cannot start an instance. It is no fault of the function; Skiff's log has the reason. Try again in ${RETRY_AFTER_S} s.`;
  return new Problem("no_capacity", detail, { retryAfterS: RETRY_AFTER_S });
}
