import { Problem } from "../../problems.ts";
import type { RunningInstance } from "../instances/running-instance.ts";

export interface TogetherOptions {
  readonly count: number;
  /** The version has no ready instance, so at least one must start. */
  readonly isNeeded: boolean;
  readonly signal: AbortSignal;
  /** Holds each instance from the start of its process; the caller removes it. */
  readonly arriving: Set<RunningInstance>;
}

/**
 * Starts `count` instances, or fewer if memory is used up. If one does not become ready, all are ended.
 * @throws StartError of the first that fails; Problem `no_capacity`; the signal's reason
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
      // A controller keeps its first reason. Later errors follow from that.
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

/** True if the machine had no memory or no place for a start. The version is not at fault. */
export function isNoCapacity(error: unknown): error is Problem<"no_capacity"> {
  return error instanceof Problem && error.code === "no_capacity";
}
