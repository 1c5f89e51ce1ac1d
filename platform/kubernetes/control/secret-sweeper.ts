import { delay } from "../cluster/mirror.ts";
import type { ClusterSecrets } from "../secrets.ts";

export interface SecretSweeperOptions {
  readonly secrets: Pick<ClusterSecrets, "sweep">;
  readonly print: (line: string) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 5 * 60_000;

/** Deletes the versions of secrets that nothing needs any more. The leader runs it. */
export class SecretSweeper {
  readonly #options: SecretSweeperOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: SecretSweeperOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { secrets, print, everyMs = EVERY_MS } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      await delay(everyMs, signal);
      if (signal.aborted) return;
      try {
        await secrets.sweep(new Date());
      } catch (error) {
        if (!signal.aborted) print(`old values of secrets are not deleted yet: ${(error as Error).message}`);
      }
    }
  }
}
