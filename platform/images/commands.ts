/** One command, run once and gone: the seam behind `/exec`. */
import type { Readable } from "node:stream";

export interface Commands {
  /**
   * Starts a command. Resolves when it runs. Nothing of it is left after `ended`, whatever became of it.
   * @throws Problem `image_unavailable` (cannot be pulled), `command_not_found`, `too_many_commands`, `start_failed`,
   * `no_engine` (nothing here runs images), `no_sandbox`; the reason of `signal`, which also ends a running command
   */
  run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand>;
  /** Removes what commands of earlier processes have left. Returns how many. */
  sweep(): Promise<number>;
}

export interface CommandOrder {
  /** Unique; part of the names of what the command makes. */
  readonly id: string;
  /** `host`: the sandbox for programs of this machine. */
  readonly image: string;
  /** Program and arguments; empty: those of the image. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the standard input is empty. */
  readonly input?: Readable | undefined;
  readonly memoryMiB: number;
  /** Longest run, from its start. */
  readonly timeoutMs: number;
  /** Secret with which the image is pulled. */
  readonly pullSecret?: string | undefined;
}

export interface RunningCommand {
  /** Standard output, and where the platform does not tell them apart the standard error too. Ends with the command. */
  readonly output: Readable;
  /** Absent where the platform does not tell them apart. */
  readonly errors?: Readable | undefined;
  /** Resolves when it has ended and is removed. */
  readonly ended: Promise<CommandEnd>;
}

export interface CommandEnd {
  /** Absent if it did not exit by itself. */
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** Why Skiff, or the system, ended it; absent if it ended by itself. */
  readonly because?: "timeout" | "out_of_memory" | "aborted" | undefined;
  /** From its start to its end. */
  readonly durationMs: number;
}
