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
import { signalProcess, startOf } from "./process-table.ts";
import { removeTree, removeTreeSync } from "./remove-tree.ts";

/** A socket path has at most 108 bytes on Linux and 104 on macOS, with its final NUL. */
const SOCKET_PATH_BYTES = 100;
/** File that names the owner of a folder of instances outside the data folder. */
const OWNER = "owner";

export interface InstanceFolder {
  readonly id: string;
  readonly path: string;
  /** Socket for routers. */
  readonly socket: string;
  /** Without a wall: the folder that the function may write to. */
  readonly scratch: string;
  /** With a wall: a folder that is read-only inside and can be filled later, and two empty folders to mount on. */
  readonly code: string;
  readonly work: string;
  readonly root: string;
  /** Identifies its data folder; copies of the data folder have another identity. */
  readonly owner: string;
}

/**
 * The folders of all instances of one data folder. Each records the pid of its process, so that the next Skiff after a
 * crash ends the processes that are left. A backup is a copy with the same files: only processes of this very data folder
 * are ended.
 */
export class InstanceFolders {
  readonly #root: string;
  readonly #owner: string;
  /** File with the path of the folders if they are not in the data folder. */
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

  /** Identifies the data folder. */
  get owner(): string {
    return this.#owner;
  }

  create(): InstanceFolder {
    const id = newId();
    const path = join(this.#root, id);
    const inside = (name: string) => join(path, name);
    const folders = { scratch: inside("scratch"), work: inside("work"), root: inside("root") };
    for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const code = inside("code");
    mkdirSync(code, { mode: 0o755 });
    // `mkdir` applies the umask, and an instance may have a user of its own.
    chmodSync(code, 0o755);
    return { id, path, ...folders, code, socket: inside("sock"), owner: this.#owner };
  }

  /** Removes all folders; every instance must have ended. */
  close(): void {
    removeTreeSync(this.#root);
    rmSync(this.#pointer, { force: true });
  }
}

interface ProcessRecord {
  readonly pid: number;
  /** Start of the process, because its pid may be used again. */
  readonly start: string;
  readonly owner: string;
}

/** Records the process that ends with the instance. */
export function recordPid({ path, owner }: InstanceFolder, pid: number): void {
  const record: ProcessRecord = { pid, start: startOf(pid) ?? "", owner };
  writeFileSync(join(path, "pid"), JSON.stringify(record), { mode: 0o600 });
}

/**
 * Removes the files and the control group of an ended instance. Returns lines for the log about data that is left; the next
 * start of Skiff tries again.
 */
export async function removeInstance(
  folder: InstanceFolder | undefined,
  resources: InstanceResources | undefined,
): Promise<readonly string[]> {
  const toLine = (error: Error) => `${folder?.path} could not be removed: ${error.message}`;
  const inFolder = folder && (await removeTree(folder.path).catch(toLine));
  return [inFolder, await resources?.release()].filter((each) => typeof each === "string");
}

/** Long enough never to repeat; short, because it is part of a socket's path and of log lines. */
function newId(): string {
  return randomBytes(6).toString("hex");
}

function removeLeftovers(root: string, owner: string): void {
  if (!existsSync(root)) return;
  for (const id of readdirSync(root)) {
    const record = readRecord(join(root, id, "pid"));
    if (record && record.owner === owner && record.pid > 1 && startOf(record.pid) === record.start)
      signalProcess(record.pid, "SIGKILL");
  }
  removeTreeSync(root);
}

/** Returns undefined for a record that a crash cut short: no process runs before its record is written. */
function readRecord(file: string): ProcessRecord | undefined {
  const text = readIfThere(file) ?? "";
  if (!text.startsWith("{") || !text.endsWith("}")) return undefined;
  return JSON.parse(text) as ProcessRecord;
}

/** Identifies a data folder. A copy or a replacement differs in path, device or inode. */
export function identityOf(dataFolder: string): string {
  const { dev, ino } = statSync(dataFolder);
  return JSON.stringify({ dataFolder: realpathSync(dataFolder), dev, ino });
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
