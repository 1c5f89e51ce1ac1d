import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "mocha";
import { notTried } from "../not-tried.ts";

const BLOCK = Buffer.alloc(4_096);

/** A small file system at a folder, which only the programs see that are started with `wrapper`. */
export class SmallDisk {
  /** Program and arguments that run another program where the file system is. */
  readonly wrapper: readonly string[];
  /** The folder, as this process reaches it. */
  readonly path: string;
  readonly #keeper: ChildProcess;

  private constructor(keeper: ChildProcess, folder: string) {
    this.#keeper = keeper;
    const user = isRoot() ? [] : ["--user", "--preserve-credentials"];
    this.wrapper = ["nsenter", "--target", String(keeper.pid), "--mount", ...user];
    this.path = join(`/proc/${keeper.pid}/root`, folder);
  }

  /** Skips the test, saying why, where the system does not let us mount anything. */
  static async mount(test: Context, folder: string, mebibytes: number): Promise<SmallDisk> {
    if (process.platform !== "linux") notTried(test, "only Linux has mounts of one process");
    const script = `mount -t tmpfs -o size=${mebibytes}m tmpfs '${folder}' && echo mounted && exec cat`;
    const user = isRoot() ? [] : ["--map-root-user"];
    const keeper = spawn("unshare", [...user, "--mount", "sh", "-c", script]);
    let output = "";
    const isMounted = new Promise<boolean>((resolve) => {
      keeper.once("error", (error) => {
        output += error.message;
        resolve(false);
      });
      keeper.once("close", () => resolve(false));
      keeper.stderr.on("data", (chunk: Buffer) => {
        output += chunk;
      });
      keeper.stdout.once("data", () => resolve(true));
    });
    if (await isMounted) return new SmallDisk(keeper, folder);
    return notTried(test, `unshare --mount is refused: ${output.trim()}`);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes all space that is left but for `leftBytes`, for a file; `free` gives it back. */
  fill(name = "ballast", leftBytes = 0): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    const file = openSync(join(this.path, name), "a");
    try {
      for (;;) writeSync(file, BLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      ftruncateSync(file, fstatSync(file).size - leftBytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    unlinkSync(join(this.path, "ballast"));
  }

  /** The file system goes with the last program that uses it. */
  async close(): Promise<void> {
    const closed = once(this.#keeper, "close");
    this.#keeper.stdin!.end();
    await closed;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
