import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Pipes that are made at a time, which is as much work as the start of one program. */
const BATCH = 60;
/** Fewer pipes than this are more than the next calls need. */
const LOW = 20;

/** One pipe between the host and a program. */
export interface CallPipe {
  /** The end of the host. */
  readonly own: Socket;
  /** The end of the program: a descriptor to close once the program has it. */
  readonly other: number;
}

/**
 * Pipes for the input and output of programs. Node itself connects them by sockets, which cannot be opened by name, so
 * `cat /dev/stdin` and `echo text > /dev/stderr` would fail. Nothing in Node makes a pipe: the store has `mkfifo` make
 * named ones, and removes their names.
 */
export class PipeStore {
  /** Reading ends without a writer. */
  readonly #unused: number[] = [];
  #making: Promise<void> | undefined;
  #isImpossible = false;
  readonly #onImpossible: (reason: string) => void;

  /** @param onImpossible called once where pipes cannot be made: some images have no mkfifo, or no folder to write to */
  constructor(onImpossible: (reason: string) => void) {
    this.#onImpossible = onImpossible;
    this.#fill();
  }

  /** Resolves with as many pipes as named, from or to programs. Undefined where pipes cannot be made. */
  async take(directions: readonly ("fromProgram" | "toProgram")[]): Promise<readonly CallPipe[] | undefined> {
    while (this.#unused.length < directions.length) {
      if (this.#isImpossible) return undefined;
      this.#fill();
      await this.#making;
    }
    const taken = this.#unused.splice(0, directions.length);
    if (this.#unused.length < LOW) this.#fill();
    return taken.map((fd, i) => (directions[i] === "toProgram" ? toProgram(fd) : fromProgram(fd)));
  }

  #fill(): void {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
  }

  async #make(): Promise<void> {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(join(tmpdir(), "pipes-"));
      const paths = Array.from({ length: BATCH }, (_, i) => join(folder!, String(i)));
      const child = spawn("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" });
      const [code] = await once(child, "close");
      // The end of a call may have ended it, too.
      const made = paths.filter((path) => existsSync(path));
      if (made.length === 0 && code !== null) throw new Error("mkfifo makes no pipe");
      for (const path of made) this.#unused.push(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    } catch (error) {
      if (!this.#isImpossible) this.#onImpossible((error as Error).message);
      this.#isImpossible = true;
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** @param fd a reading end, which is that of the host */
function fromProgram(fd: number): CallPipe {
  const other = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY);
  return { own: new Socket({ fd, readable: true, writable: false }), other };
}

/** @param fd a reading end, which does not block and is replaced by one that does */
function toProgram(fd: number): CallPipe {
  const path = `/proc/self/fd/${fd}`;
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const other = openSync(path, constants.O_RDONLY);
  closeSync(fd);
  return { own: new Socket({ fd: writer, readable: false, writable: true }), other };
}
