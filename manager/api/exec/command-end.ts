import { constants } from "node:os";
import type { CommandEnd, CommandOrder } from "../../../platform/images/commands.ts";
import { draining, Problem, type ProblemExtensions } from "../../../platform/problems.ts";
import { formatMs } from "../../../platform/quantity.ts";

/** Why a command was ended by Skiff or the system, as the trailer `skiff-error` has it. */
export type Failure = "timeout" | "out_of_memory" | "output_too_large" | "body_too_large" | "draining";

/** The output has reached its limit. */
export class OutputFull extends Error {
  constructor() {
    super("the output has reached its limit");
    this.name = "OutputFull";
  }
}

/**
 * Says why a command did not end by itself. Undefined if it did.
 * @param reason of the signal that ended it
 * @throws `reason` if it is neither a limit nor a shutdown: the client has left
 */
export function failureOf({ because }: CommandEnd, reason: unknown): Failure | undefined {
  if (because !== "aborted") return because;
  if (reason instanceof OutputFull) return "output_too_large";
  if (reason instanceof Problem && reason.code === "body_too_large") return "body_too_large";
  // Without a reason here, the manager has ended it.
  if (reason === undefined) return "draining";
  throw reason;
}

/** Returns the code of a command as shells count: 128 and its number for a signal. Undefined if Skiff ended it. */
export function exitCodeOf({ exitCode, signal, because }: CommandEnd): number | undefined {
  if (because !== undefined) return undefined;
  return exitCode ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

/** Returns the answer instead of an output. */
export function problemOf(
  failure: Exclude<Failure, "output_too_large">,
  order: Pick<CommandOrder, "timeoutMs" | "memoryMiB">,
  { reason, log = [] }: { readonly reason: unknown; readonly log?: readonly string[] },
): Problem {
  const extensions: ProblemExtensions = log.length === 0 ? {} : { log };
  if (failure === "draining") return draining();
  if (failure === "body_too_large") return reason as Problem;
  if (failure === "timeout") {
    const detail = `The command ran for ${formatMs(order.timeoutMs)} and was ended: give it more with timeout=, up to SKIFF_EXEC_TIMEOUT.`;
    return new Problem("command_timeout", detail, { ...extensions, setting: "timeout" });
  }
  const detail = `The command used more than ${order.memoryMiB} MiB and was ended: give it more with memory=, up to SKIFF_EXEC_MEMORY.`;
  return new Problem("out_of_memory", detail, { ...extensions, setting: "memory" });
}
