import { Problem } from "../../problems.ts";
import type { RunningInstance } from "../instances/running-instance.ts";

export interface TogetherOptions {
  readonly count: number;
  /** At least one must start: the version has none. */
  readonly isNeeded: boolean;
  readonly signal: AbortSignal;
  /** Holds the instances from when they have a process until the caller takes them out. */
  readonly arriving: Set<RunningInstance>;
}

/**
 * Starts `count` instances. All become ready, or none is left; where memory is used up there may be fewer.
 * @throws StartError of the first that does not start; Problem `no_capacity`; the signal's reason
 */
export async function startTogether(
  start: (signal: AbortSignal, waits: boolean) => Promise<RunningInstance>,
  { count, isNeeded, signal: outer, arriving }: TogetherOptions,
): Promise<readonly RunningInstance[]> {
  const others = new AbortController();
  const signal = AbortSignal.any([outer, others.signal]);
  const started: RunningInstance[] = [];
  const kill = () => {
    for (const instance of started) instance.kill("was given up");
  };
  signal.addEventListener("abort", kill);
  const startOne = async (_: unknown, index: number) => {
    const waits = isNeeded && index === 0;
    try {
      const instance = await start(signal, waits);
      started.push(instance);
      arriving.add(instance);
      if (signal.aborted) kill();
      await instance.ready;
    } catch (error) {
      if (!waits && isNoCapacity(error)) return;
      // Only the first reason counts: what follows from it is noise.
      others.abort(error);
    }
  };
  await Promise.all(Array.from({ length: count }, startOne));
  signal.removeEventListener("abort", kill);
  if (!signal.aborted) return started;
  for (const instance of started) arriving.delete(instance);
  await Promise.all(started.map((instance) => instance.ended));
  throw signal.reason;
}

/** There is no memory or no place for a start: no fault of the version. */
export function isNoCapacity(error: unknown): error is Problem<"no_capacity"> {
  return error instanceof Problem && error.code === "no_capacity";
}
