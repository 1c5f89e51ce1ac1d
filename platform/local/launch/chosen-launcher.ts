import type { EarlyOrder, Launched, Launcher, LaunchOrder } from "./launcher.ts";

/** Launches programs in one way, and everything else in another. */
export class ChosenLauncher implements Launcher {
  readonly #deno: Launcher;
  readonly #programs: Pick<Launcher, "launch" | "close">;

  constructor(deno: Launcher, programs: Pick<Launcher, "launch" | "close">) {
    this.#deno = deno;
    this.#programs = programs;
  }

  launch(order: LaunchOrder): Promise<Launched> {
    const launcher = order.artifact.project?.program === undefined ? this.#deno : this.#programs;
    return launcher.launch(order);
  }

  startEarly(order: EarlyOrder): void {
    this.#deno.startEarly(order);
  }

  async close(): Promise<void> {
    await Promise.all([this.#deno.close(), this.#programs.close()]);
  }
}
