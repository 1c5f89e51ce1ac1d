import type { ChildProcess } from "node:child_process";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { type SpawnOptions, spawnDetached } from "../../../process/sandbox/spawn.ts";

const STDERR_KEPT = 4_000;
/** How long the end of a killed process is waited for: the system needs milliseconds. */
const KILL_MS = 5_000;

/** A process of a build with everything that it starts, which are killed as one. */
export class BuildProcess {
  readonly #child: ChildProcess;
  #stderr = "";
  /** Resolves with its exit code or signal when it and all that it started are gone. Rejects if it cannot be started. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(command: readonly string[], options: SpawnOptions) {
    // Its input ends with this process: a child learns from that that nobody waits for it any more.
    this.#child = spawnDetached(command, options);
    // Of a program that the system does not start, Node gives no streams when there are no files left.
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    // What the first process leaves behind would hold its output open.
    this.#child.once("exit", () => this.kill());
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, killedBy) => resolve(killedBy ?? code ?? 1));
    });
    this.ended.catch(() => {});
  }

  /** Undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdin(): Writable {
    return this.#child.stdin ?? new PassThrough().destroy();
  }

  /** @throws Error if it was given a file */
  get stdout(): Readable {
    if (this.#child.stdout) return this.#child.stdout;
    if (this.pid === undefined) return new PassThrough().destroy();
    throw new Error("the output of this process goes to a file");
  }

  /** The last part of what it printed about itself. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Kills it and all that it started: behind a wall by the wall's own process, without one by its group. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Kills it and waits until it is gone. @throws Error if the system does not end it within 5 s */
  async close(): Promise<void> {
    this.kill();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`process ${this.pid} of a build does not end although it was killed`)),
      KILL_MS,
    );
    try {
      await Promise.race([this.ended.catch(() => 1), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
