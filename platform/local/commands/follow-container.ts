import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { CommandEnd, CommandOrder, RunningCommand } from "../../images/commands.ts";
import type { ContainerState } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { Attachment } from "../engine/frames.ts";
import { Outflow } from "./outflow.ts";

/** Time between a kill and the reading of what is left, in milliseconds. */
const REST_MS = 100;
/** Longest time between a kill and the end of the container. */
const KILL_MS = 5_000;
/** SIGKILL, as engines count. */
const KILLED = 137;

export interface FollowedContainer {
  /** It was started. */
  readonly container: string;
  readonly attachment: Attachment;
  readonly order: Pick<CommandOrder, "input" | "timeoutMs">;
  readonly signal: AbortSignal;
  /** Removes it. */
  readonly discard: (container: string) => Promise<void>;
}

/** Follows a container to its end, and ends it at its time limit and with the signal. */
export function followContainer(engine: Engine, followed: FollowedContainer): RunningCommand {
  const { container, attachment, order, signal, discard } = followed;
  const startedAtMs = performance.now();
  let because: CommandEnd["because"];
  // The frame that a kill cuts is no fault.
  const isKilled = () => because !== undefined;
  const [output, errors] = [
    new Outflow(attachment.output, isKilled),
    new Outflow(attachment.errors, isKilled),
  ];
  const readRest = () => {
    output.readRest();
    errors.readRest();
  };
  give(order.input, attachment);
  const stubborn = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  const kill = async (reason: CommandEnd["because"]) => {
    because ??= reason;
    // Podman answers when what it killed has written all of its output.
    const reading = setTimeout(readRest, REST_MS);
    patience ??= setTimeout(() => stubborn.abort(), KILL_MS);
    // What cannot be killed is removed by force.
    await engine.kill(container).then(readRest, () => stubborn.abort());
    clearTimeout(reading);
  };
  const timer = setTimeout(() => void kill("timeout"), order.timeoutMs);
  const abort = () => void kill("aborted");
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();

  const end = async (): Promise<CommandEnd> => {
    try {
      const state = await stateAtEnd(engine, container, { ...attachment, stubborn: stubborn.signal });
      readRest();
      if (stubborn.signal.aborted) attachment.close();
      if (because === undefined && state?.isOutOfMemory) because = "out_of_memory";
      const tookMs = state && state.finishedAt.getTime() - state.startedAt.getTime();
      return {
        exitCode: because === undefined ? (state?.exitCode ?? KILLED) : undefined,
        because,
        durationMs: tookMs !== undefined && tookMs >= 0 ? tookMs : performance.now() - startedAtMs,
      };
    } finally {
      clearTimeout(timer);
      clearTimeout(patience);
      signal.removeEventListener("abort", abort);
      await discard(container);
    }
  };
  return { output: output.readable, errors: errors.readable, ended: end() };
}

/**
 * Podman tells the end of a container late, but the output ends at once; nobody may read it, though. Undefined if the
 * container is gone, or `stubborn`.
 */
async function stateAtEnd(
  engine: Engine,
  container: string,
  { output, errors, stubborn }: Pick<Attachment, "output" | "errors"> & { readonly stubborn: AbortSignal },
): Promise<ContainerState | undefined> {
  const known = new AbortController();
  const givenUp = new Promise<undefined>((resolve) =>
    stubborn.addEventListener("abort", () => resolve(undefined), { once: true }),
  );
  const closed = Promise.allSettled([finished(output), finished(errors)]);
  const seen = engine.ended(container, { signal: known.signal });
  const heard = closed.then(() => engine.ended(container, { signal: known.signal, soon: true }));
  try {
    return await Promise.race([Promise.any([heard, seen]), givenUp]);
  } catch (error) {
    throw (error as AggregateError).errors[0];
  } finally {
    known.abort();
  }
}

function give(input: Readable | undefined, attachment: Attachment): void {
  // A command may end before its input.
  attachment.input.on("error", () => {});
  if (input === undefined) {
    attachment.input.end();
    return;
  }
  input.on("error", () => attachment.input.end());
  input.pipe(attachment.input);
}
