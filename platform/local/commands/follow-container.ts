import { PassThrough, type Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { CommandEnd, CommandOrder, RunningCommand } from "../../images/commands.ts";
import type { ContainerState } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { Attachment } from "../engine/frames.ts";

/** Time for the output of an ended container to arrive. */
const OUTPUT_MS = 1_000;
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
  const [output, errors] = [attachment.output, attachment.errors].map((stream) =>
    // The frame that a kill cuts is no fault.
    passedOn(stream, () => because !== undefined),
  ) as [Readable, Readable];
  give(order.input, attachment);
  const kill = async (reason: CommandEnd["because"]) => {
    because ??= reason;
    // An engine waits until its output is read, also that of what it killed.
    setTimeout(() => attachment.close(), OUTPUT_MS).unref();
    // An engine that does not answer is no reason to wait: the removal fails, and the sweeper tries again.
    await engine.kill(container).catch(() => {});
  };
  const timer = setTimeout(() => void kill("timeout"), order.timeoutMs);
  const abort = () => void kill("aborted");
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();

  const end = async (): Promise<CommandEnd> => {
    try {
      const state = await stateAtEnd(engine, container, attachment);
      if (because === undefined && state?.isOutOfMemory) because = "out_of_memory";
      const tookMs = state && state.finishedAt.getTime() - state.startedAt.getTime();
      return {
        exitCode: because === undefined ? (state?.exitCode ?? KILLED) : undefined,
        because,
        durationMs: tookMs !== undefined && tookMs >= 0 ? tookMs : performance.now() - startedAtMs,
      };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      await discard(container);
    }
  };
  return { output, errors, ended: end() };
}

/** Podman tells the end of a container late, but the output ends at once; nobody may read it, though. */
async function stateAtEnd(
  engine: Engine,
  container: string,
  { output, errors }: Attachment,
): Promise<ContainerState | undefined> {
  const known = new AbortController();
  const closed = Promise.allSettled([finished(output), finished(errors)]);
  const seen = engine.ended(container, { signal: known.signal });
  const heard = closed.then(() => engine.ended(container, { signal: known.signal, soon: true }));
  try {
    const state = await Promise.any([heard, seen]);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, OUTPUT_MS);
    await Promise.race([closed, late]);
    clearTimeout(timer);
    return state;
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

function passedOn(stream: Readable, isExpected: () => boolean): Readable {
  const passed = new PassThrough();
  stream.on("error", (error) => {
    if (isExpected()) passed.end();
    else passed.destroy(error);
  });
  return stream.pipe(passed);
}
