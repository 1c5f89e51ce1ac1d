import type { CommandOrder, Commands, RunningCommand } from "../../platform/images/commands.ts";
import type { Limits } from "../../platform/limits.ts";
import { draining, Problem } from "../../platform/problems.ts";

/** Starts of this soon after each other are no load, and leftovers hold memory. */
const SWEEP_MS = 60_000;
/** Time to remove what is left of a command that was ended, at a shutdown. */
const REMOVAL_MS = 5_000;

export interface CommandRunsOptions {
  readonly commands: Commands | undefined;
  readonly limits: Pick<Limits, "execsAtOnce" | "drainMs">;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
}

/** The commands of a manager: at most `SKIFF_EXEC_AT_ONCE` at a time. Removes what earlier processes have left. */
export class CommandRuns {
  readonly #options: CommandRunsOptions;
  readonly #running = new Set<Promise<unknown>>();
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(options: CommandRunsOptions) {
    this.#options = options;
    // Not at once: the first calls do not wait for it.
    if (options.commands !== undefined) this.#sweepIn(1_000, options.commands);
  }

  /**
   * Starts a command. `signal` ends it.
   * @throws Problem `no_engine`, `too_many_commands`, `draining`, and those of `Commands.run`; the reason of `signal`
   */
  async start(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    const { commands, limits } = this.#options;
    if (this.#isClosing) throw draining();
    if (commands === undefined) {
      const detail =
        "Nothing here runs commands: this Skiff has no container engine and no sandbox for them.";
      throw new Problem("no_engine", detail);
    }
    if (this.#running.size >= limits.execsAtOnce) {
      const detail = `${limits.execsAtOnce} commands run already (SKIFF_EXEC_AT_ONCE): try again when one has ended, or raise the limit.`;
      throw new Problem("too_many_commands", detail, { retryAfterS: 1, setting: "SKIFF_EXEC_AT_ONCE" });
    }
    const place = Promise.withResolvers<void>();
    this.#running.add(place.promise);
    const leave = () => {
      this.#running.delete(place.promise);
      place.resolve();
    };
    try {
      const running = await commands.run(order, AbortSignal.any([signal, this.#ending.signal]));
      running.ended.then(leave, leave);
      return running;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Gives commands `drainMs` to end, and ends them. Resolves when they are removed, or after 5 s more. */
  async close({ drainMs = this.#options.limits.drainMs } = {}): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#ended(drainMs);
    this.#ending.abort(draining());
    await this.#ended(REMOVAL_MS);
  }

  async #ended(withinMs: number): Promise<void> {
    if (this.#running.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    await Promise.race([promise, Promise.all(this.#running)]);
    clearTimeout(timer);
  }

  #sweepIn(ms: number, commands: Commands): void {
    this.#timer = setTimeout(() => {
      commands
        .sweep()
        .then((removed) => {
          if (removed > 0) this.#options.print(`removed what ${removed} ended commands had left`);
        })
        .catch((error: Error) =>
          this.#options.print(`what ended commands have left cannot be removed: ${error.message}`),
        )
        .finally(() => {
          if (!this.#isClosing) this.#sweepIn(SWEEP_MS, commands);
        });
    }, ms).unref();
  }
}
