import type { CommandOrder, Commands, RunningCommand } from "../../images/commands.ts";
import { HOST_IMAGE } from "../../images/image-reference.ts";
import { Problem } from "../../problems.ts";

export interface LocalCommandsOptions {
  readonly host: Commands;
  readonly engine: Commands;
}

/** Runs commands on one machine: in containers, or in the sandbox for programs. */
export class LocalCommands implements Commands {
  readonly #host: Commands;
  readonly #engine: Commands;

  constructor({ host, engine }: LocalCommandsOptions) {
    this.#host = host;
    this.#engine = engine;
  }

  async run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    if (order.image === HOST_IMAGE) return await this.#host.run(order, signal);
    try {
      return await this.#engine.run(order, signal);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "no_engine")) throw error;
      const hint = "Commands of this machine run with image=host, in the sandbox for programs.";
      throw new Problem("no_engine", `${error.detail} ${hint}`, error.extensions);
    }
  }

  async sweep(): Promise<number> {
    const removed = await Promise.all([this.#host.sweep(), this.#engine.sweep()]);
    return removed.reduce((sum, each) => sum + each, 0);
  }
}
