import { randomBytes } from "node:crypto";
import {
  chmodSync,
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
import type { InstanceResources } from "../resources/instance-resources.ts";
import { startOf } from "./process-table.ts";
import { removeTree, removeTreeSync } from "./remove-tree.ts";

/** Longest path of a Unix socket on Linux is 108 bytes, on macOS 104, with its final NUL. */
const SOCKET_PATH_BYTES = 100;
/** File that names the owner of a folder of instances outside the data folder. */
const OWNER = "owner";

export interface InstanceFolder {
  readonly id: string;
  /** Removed with everything in it when the instance has ended. */
  readonly path: string;
  /** Where routers reach it. */
  readonly socket: string;
  /** Without a wall: the folder that the function may write to. */
  readonly scratch: string;
  /** With a wall: a folder that is read-only inside, and folders to mount on. */
  readonly code: string;
  readonly work: string;
  readonly root: string;
  /** Distinguishes the data folder that it belongs to from copies of that. */
  readonly owner: string;
}

/**
 * The folders of all instances of one data folder. Each has a socket, a scratch folder and the pid of its process, so that
 * the next Skiff after a crash ends the processes that are left. It ends only those of this very data folder: a copy of it,
 * which is how a backup is made, has the same files.
 */
export class InstanceFolders {
  readonly #root: string;
  readonly #owner: string;
  /** File with the path of the folders when they are not in the data folder. */
  readonly #pointer: string;

  constructor(dataFolder: string) {
    const near = join(dataFolder, "instances");
    this.#pointer = join(dataFolder, "instances-at");
    const owner = identityOf(dataFolder);
    this.#owner = owner;
    const previous = readIfThere(this.#pointer);
    if (previous !== undefined && readIfThere(join(previous, OWNER)) === owner)
      removeLeftovers(previous, owner);
    rmSync(this.#pointer, { force: true });
    removeLeftovers(near, owner);
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
    const [scratch, code, work, root] = ["scratch", "code", "work", "root"].map((name) =>
      join(path, name),
    ) as [...[string, string, string, string]];
    for (const folder of [scratch, work, root]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    mkdirSync(code, { mode: 0o755 });
    // Whatever the umask of this process is: an instance may have a user of its own.
    chmodSync(code, 0o755);
    return { id, path, scratch, code, work, root, socket: join(path, "sock"), owner: this.#owner };
  }

  /** Removes all folders; every instance must have ended. */
  close(): void {
    removeTreeSync(this.#root);
    rmSync(this.#pointer, { force: true });
  }
}

interface ProcessRecord {
  readonly pid: number;
  /** When it started: the pid may belong to another process by now. */
  readonly start: string;
  /** In a copy of a data folder this names the original. */
  readonly owner: string;
}

/** Records the process whose end is the end of the instance. */
export function recordPid({ path, owner }: InstanceFolder, pid: number): void {
  const record: ProcessRecord = { pid, start: startOf(pid) ?? "", owner };
  writeFileSync(join(path, "pid"), JSON.stringify(record), { mode: 0o600 });
}

/**
 * Removes the files and the control group of an instance that has ended. Returns what is left and why, for the log; the
 * next start of Skiff tries again.
 */
export async function removeInstance(
  folder: InstanceFolder | undefined,
  resources: InstanceResources | undefined,
): Promise<readonly string[]> {
  const inFolder =
    folder &&
    removeTree(folder.path).then(
      () => undefined,
      (error: Error) => `something is left in ${folder.path}: ${error.message}`,
    );
  const left = [await inFolder, await resources?.release()];
  return left.filter((each) => each !== undefined);
}

/** Long enough never to repeat; short, because it is part of a socket's path and of log lines. */
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

function removeLeftovers(root: string, owner: string): void {
  if (!existsSync(root)) return;
  for (const id of readdirSync(root)) {
    const record = readRecord(join(root, id, "pid"));
    if (record && record.owner === owner && record.pid > 1 && startOf(record.pid) === record.start)
      kill(record.pid);
  }
  removeTreeSync(root);
}

/** Undefined also for a record that a crash cut short: a process runs only after it was recorded. */
function readRecord(file: string): ProcessRecord | undefined {
  const text = readIfThere(file) ?? "";
  if (!text.startsWith("{") || !text.endsWith("}")) return undefined;
  return JSON.parse(text) as ProcessRecord;
}

/** Identifies a data folder: neither a copy nor a folder that took its place has the same path, device and inode. */
function identityOf(dataFolder: string): string {
  const { dev, ino } = statSync(dataFolder);
  return JSON.stringify({ dataFolder: realpathSync(dataFolder), dev, ino });
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
