import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import type {
  CommandEnd,
  CommandOrder,
  Commands,
  RunningCommand,
} from "../../../platform/images/commands.ts";
import { Problem } from "../../../platform/problems.ts";

/** Runs commands as processes of this machine without a sandbox, for tests of what uses `Commands`. */
export class ProcessCommands implements Commands {
  readonly orders: CommandOrder[] = [];
  sweeps = 0;
  /** What each command ends with instead. */
  end: Partial<CommandEnd> = {};

  async run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    signal.throwIfAborted();
    this.orders.push(order);
    const { command, env, input, timeoutMs } = order;
    const [program = "true", ...args] = command;
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, detached: true });
    try {
      await once(child, "spawn");
    } catch {
      throw new Problem("command_not_found", `There is no program "${program}".`);
    }
    const startedAtMs = performance.now();
    // A command may end before its input.
    child.stdin.on("error", () => {});
    (input ?? Readable.from([])).pipe(child.stdin);
    let because: CommandEnd["because"];
    const kill = (reason: CommandEnd["because"]) => {
      because ??= reason;
      killGroup(child);
    };
    const timer = setTimeout(() => kill("timeout"), timeoutMs);
    const abort = () => kill("aborted");
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const ended = once(child, "exit").then(([exitCode, ended]): CommandEnd => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      killGroup(child);
      const durationMs = performance.now() - startedAtMs;
      const how =
        because === undefined ? { exitCode: exitCode ?? undefined, signal: ended ?? undefined } : {};
      return { ...how, because, durationMs, ...this.end };
    });
    // Node discards the output of an ended child that nobody reads yet.
    const [output, errors] = [child.stdout, child.stderr].map((stream) => stream.pipe(new PassThrough()));
    return { output: output!, errors: errors!, ended };
  }

  async sweep(): Promise<number> {
    this.sweeps++;
    return 0;
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, "SIGKILL");
  } catch (error) {
    // Nothing of it runs.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
