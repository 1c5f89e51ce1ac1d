import type { CommandEnd, CommandOrder, RunningCommand } from "../../../platform/images/commands.ts";

/** A command under way, and how this request ends it. */
export interface StartedRun {
  readonly order: CommandOrder;
  readonly running: RunningCommand;
  readonly stop: AbortController;
  /** Resolves with how it ended, and prints it. */
  readonly ended: Promise<CommandEnd>;
}
