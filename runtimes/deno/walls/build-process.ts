import type { ChildProcess } from "node:child_process";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { type SpawnOptions, spawnDetached } from "../../../process/sandbox/spawn.ts";

const STDERR_KEPT = 4_000;
/** Longest wait for the end of a killed process. The system needs milliseconds. */
const KILL_MS = 5_000;

/** A process of a build with all its children, which are killed together. */
export class BuildProcess {
  readonly #child: ChildProcess;
  #stderr = "";
  /** Resolves with its exit code or signal when it and its children are gone. Rejects if it cannot be started. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(command: readonly string[], options: SpawnOptions) {
    // Its input ends with this process, so that it can end too.
    this.#child = spawnDetached(command, options);
    // Without a file left Node makes no streams for a program that it cannot start.
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    // Children that the first process leaves behind would hold its output open.
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

  /** The end of its standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Kills it and its children: they end with the process of the wall, or belong to its process group. */
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
