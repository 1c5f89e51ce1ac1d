import { Problem } from "../../problems.ts";
import type { RunningInstance } from "../instances/running-instance.ts";

export interface TogetherOptions {
  readonly count: number;
  readonly signal: AbortSignal;
  /** Holds the instances while they start, for those who describe the function meanwhile. */
  readonly arriving: Set<RunningInstance>;
}

/**
 * Starts `count` instances of a version that is not current yet. All become ready, or none is left; but where memory
 * is used up it may be fewer, at least one.
 * @throws StartError of the first that does not start, or the signal's reason
 */
export async function startTogether(
  start: (signal: AbortSignal, waits: boolean) => Promise<RunningInstance>,
  { count, signal: outer, arriving }: TogetherOptions,
): Promise<readonly RunningInstance[]> {
  const others = new AbortController();
  const signal = AbortSignal.any([outer, others.signal]);
  const started: RunningInstance[] = [];
  const kill = () => {
    for (const instance of started) instance.kill("was given up");
  };
  signal.addEventListener("abort", kill);
  const startOne = async (_: unknown, index: number) => {
    const isFirst = index === 0;
    try {
      const instance = await start(signal, isFirst);
      started.push(instance);
      arriving.add(instance);
      if (signal.aborted) kill();
      await instance.ready;
    } catch (error) {
      if (!isFirst && isNoCapacity(error)) return;
      // Only the first reason counts: what follows from it is noise.
      others.abort(error);
    }
  };
  await Promise.all(Array.from({ length: count }, startOne));
  signal.removeEventListener("abort", kill);
  for (const instance of started) arriving.delete(instance);
  if (!signal.aborted) return started;
  await Promise.all(started.map((instance) => instance.ended));
  throw signal.reason;
}

/** There is no memory or no place for a start: no fault of the version. */
export function isNoCapacity(error: unknown): error is Problem<"no_capacity"> {
  return error instanceof Problem && error.code === "no_capacity";
}
