import type { Prepared, Sandboxes } from "../wall/sandboxes.ts";

/** Time for which a program waits for its function. A build of one file takes a few milliseconds. */
const KEPT_MS = 1_000;

export interface EarlyStart {
  /** Identifies the inputs of the program: only a launch with an equal key gets it. */
  readonly key: string;
  readonly net: readonly string[];
  /** Starts the program in a waiting sandbox. */
  readonly run: (prepared: Prepared) => void;
}

interface EarlyProgram {
  readonly key: string;
  /** Undefined if it could not be started. */
  readonly made: Promise<Prepared | undefined>;
  readonly expiry: NodeJS.Timeout;
}

/**
 * The program of at most one module that is still being built. It runs no code of a function until it gets its message.
 * It is not part of the memory budget, because it ends within a second.
 */
export class EarlyPrograms {
  readonly #sandboxes: Pick<Sandboxes, "take" | "discard">;
  #program: EarlyProgram | undefined;
  readonly #leaving = new Set<Promise<unknown>>();

  constructor(sandboxes: Pick<Sandboxes, "take" | "discard">) {
    this.#sandboxes = sandboxes;
  }

  /** Starts a program unless one waits already. An error is left to the launch, which tries again. */
  start(early: EarlyStart): void {
    if (this.#program !== undefined) return;
    const made = this.#make(early).catch(() => undefined);
    const expiry = setTimeout(() => this.#drop(), KEPT_MS).unref();
    this.#program = { key: early.key, made, expiry };
  }

  /** Returns the sandbox of the waiting program if it has this key and still runs. */
  async take(key: string): Promise<Prepared | undefined> {
    const program = this.#program;
    if (program?.key !== key) return undefined;
    this.#program = undefined;
    clearTimeout(program.expiry);
    const prepared = await program.made;
    if (!prepared?.sandbox.isEnded) return prepared;
    await this.#sandboxes.discard(prepared);
    return undefined;
  }

  async close(): Promise<void> {
    this.#drop();
    await Promise.allSettled(this.#leaving);
  }

  async #make({ net, run }: EarlyStart): Promise<Prepared> {
    const prepared = await this.#sandboxes.take(net);
    try {
      run(prepared);
      return prepared;
    } catch (error) {
      await this.#sandboxes.discard(prepared);
      throw error;
    }
  }

  #drop(): void {
    const program = this.#program;
    if (program === undefined) return;
    this.#program = undefined;
    clearTimeout(program.expiry);
    const left: Promise<unknown> = program.made
      .then((prepared) => prepared && this.#sandboxes.discard(prepared))
      .finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}
