import type { CommandOrder, Commands, RunningCommand } from "../../images/commands.ts";
import { HOST_IMAGE } from "../../images/image-reference.ts";
import { Problem } from "../../problems.ts";

export interface LocalCommandsOptions {
  readonly host: Commands;
  /** Absent where nothing runs images. */
  readonly engine?: Commands | undefined;
}

/** Runs commands on one machine: in containers, or in the sandbox for programs. */
export class LocalCommands implements Commands {
  readonly #host: Commands;
  readonly #engine: Commands | undefined;

  constructor({ host, engine }: LocalCommandsOptions) {
    this.#host = host;
    this.#engine = engine;
  }

  async run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    if (order.image === HOST_IMAGE) return await this.#host.run(order, signal);
    const hint = "Programs of this machine run with image=host, in a sandbox.";
    if (this.#engine === undefined) throw new Problem("no_engine", `This Skiff runs no images. ${hint}`);
    try {
      return await this.#engine.run(order, signal);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "no_engine")) throw error;
      throw new Problem("no_engine", `${error.detail} ${hint}`, error.extensions);
    }
  }

  async sweep(): Promise<number> {
    const removed = await Promise.all([this.#host.sweep(), this.#engine?.sweep() ?? 0]);
    return removed.reduce((sum, each) => sum + each, 0);
  }
}
