import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandLine } from "./process-table.ts";
import { removeTree, removeTreeSync } from "./remove-tree.ts";

/** Longest path of a Unix socket on Linux is 108 bytes, on macOS 104, with its final NUL. */
const SOCKET_PATH_BYTES = 100;
/** In a folder of instances that is elsewhere: whose it is. */
const OWNER = "owner";

export interface InstanceFolder {
  readonly id: string;
  /** Removed with everything in it when the instance has ended. */
  readonly path: string;
  readonly socket: string;
  readonly scratch: string;
}

/**
 * The folders of all instances of one data folder: each has a socket, a scratch folder and the pid of its
 * process, so that a Skiff started after a crash finds and ends what the one before left behind. Only what
 * this very folder left: a copy of it, which is how a backup is made, has the same files.
 */
export class InstanceFolders {
  readonly #root: string;
  /** Says where they are when that is not in the data folder. */
  readonly #pointer: string;

  constructor(dataFolder: string) {
    const near = join(dataFolder, "instances");
    this.#pointer = join(dataFolder, "instances-at");
    const owner = identityOf(dataFolder);
    const previous = readIfThere(this.#pointer);
    if (previous !== undefined && readIfThere(join(previous, OWNER)) === owner) removeLeftovers(previous);
    rmSync(this.#pointer, { force: true });
    removeLeftovers(near);
    if (Buffer.byteLength(join(near, newId(), "sock")) <= SOCKET_PATH_BYTES) {
      mkdirSync(near, { recursive: true, mode: 0o700 });
      this.#root = near;
      return;
    }
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), "skiff-")));
    writeFileSync(join(this.#root, OWNER), owner, { mode: 0o600 });
    writeFileSync(this.#pointer, this.#root, { mode: 0o600 });
  }

  create(): InstanceFolder {
    const id = newId();
    const path = join(this.#root, id);
    const scratch = join(path, "scratch");
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    return { id, path, scratch, socket: join(path, "sock") };
  }

  /** Removes what is left; every instance must have ended. */
  close(): void {
    removeTreeSync(this.#root);
    rmSync(this.#pointer, { force: true });
  }
}

export function recordPid(folder: InstanceFolder, pid: number): void {
  writeFileSync(join(folder.path, "pid"), String(pid), { mode: 0o600 });
}

/** What could not be removed and why, for the log; undefined if nothing is left. The next start tries again. */
export async function removeFolder(folder: InstanceFolder): Promise<string | undefined> {
  try {
    await removeTree(folder.path);
    return undefined;
  } catch (error) {
    return `something is left in ${folder.path}: ${(error as Error).message}`;
  }
}

/** Random enough never to repeat; short, because it is part of a socket's path and of log lines. */
function newId(): string {
  return randomBytes(6).toString("hex");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself in between.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function removeLeftovers(root: string): void {
  if (!existsSync(root)) return;
  for (const id of readdirSync(root)) {
    const pid = Number(readIfThere(join(root, id, "pid")) ?? 0);
    if (pid > 1 && isInstanceIn(join(root, id), commandLine(pid))) kill(pid);
  }
  removeTreeSync(root);
}

/**
 * Another process may have the number by now, and in a copy of a data folder it is the original's: ours
 * has this folder in its permissions, from the beginning of the path.
 */
function isInstanceIn(path: string, command = ""): boolean {
  return ["=", ","].some((before) => command.includes(before + join(path, "scratch")));
}

/** What tells a data folder from its copies: neither a copy nor one that took its place has all of it. */
function identityOf(dataFolder: string): string {
  const { dev, ino } = statSync(dataFolder);
  return JSON.stringify({ dataFolder: realpathSync(dataFolder), dev, ino });
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
