import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SmallFiles } from "../../../process/proc/small-files.ts";
import { ControlGroup } from "./control-group.ts";
import { type Controllers, findControllers, type GroupControllers, isRefusal } from "./controllers.ts";
import { removeLeftGroups, removeStaleGroups } from "./left-groups.ts";

/** In the data folder: where the groups of this Skiff are, for the next one after a crash. */
const RECORD = "control-groups";

interface Place {
  readonly prefix: string;
  readonly record: string;
}

/** The control groups of one data folder's instances, beside Skiff itself in the group that it was started in. */
export class ControlGroups {
  readonly #files: SmallFiles;
  readonly #controllers: GroupControllers;
  readonly #prefix: string;
  readonly #record: string;

  private constructor(files: SmallFiles, controllers: GroupControllers, place: Place) {
    this.#files = files;
    this.#controllers = controllers;
    this.#prefix = place.prefix;
    this.#record = place.record;
  }

  /**
   * Ends and removes what a Skiff that crashed left in the groups of this data folder. Undefined where the system
   * lets Skiff make no groups, which is found out by making one and moving a process into it.
   */
  static open(files: SmallFiles, dataFolder: string): ControlGroups | undefined {
    if (process.platform !== "linux") return undefined;
    const record = join(dataFolder, RECORD);
    const prefix = prefixOf(dataFolder);
    const before = existsSync(record) ? readFileSync(record, "utf8").split("\n") : [];
    const controllers = ownControllers();
    const folders = [...new Set(Object.values(controllers).map(({ folder }) => folder))];
    for (const folder of new Set([...before, ...folders])) removeLeftGroups(folder, prefix);
    for (const folder of folders) removeStaleGroups(folder, Date.now());
    rmSync(record, { force: true });
    const usable = usableOf(files, controllers, `${prefix}probe`);
    if (usable === undefined) return undefined;
    writeFileSync(record, folders.join("\n"), { mode: 0o600 });
    return new ControlGroups(files, usable, { prefix, record });
  }

  /** Every group has been removed. */
  close(): void {
    rmSync(this.#record, { force: true });
  }

  /** @throws an error of the system */
  make(id: string): ControlGroup {
    return new ControlGroup(this.#files, this.#controllers, this.#prefix + id);
  }
}

/** A copy of the data folder, which is how a backup is made, has other groups. */
function prefixOf(dataFolder: string): string {
  const { dev, ino } = statSync(dataFolder);
  const identity = `${dataFolder} ${dev} ${ino}`;
  return `skiff-${createHash("sha256").update(identity).digest("hex").slice(0, 12)}-`;
}

function ownControllers(): Controllers {
  const family = [process.pid];
  for (let pid = process.pid; pid > 1; ) {
    pid = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1] ?? 0);
    if (pid > 1) family.push(pid);
  }
  return findControllers({
    mounts: readFileSync("/proc/self/mountinfo", "utf8"),
    own: readFileSync("/proc/self/cgroup", "utf8"),
    family,
    isRoot: process.getuid?.() === 0,
  });
}

/** The controllers that work here: memory at least, the others where they can be had as well. */
function usableOf(files: SmallFiles, controllers: Controllers, name: string): GroupControllers | undefined {
  const { memory, ...others } = controllers;
  if (memory === undefined) return undefined;
  return [{ memory, ...others }, { memory }].find((each) => works(files, each, name));
}

function works(files: SmallFiles, controllers: GroupControllers, name: string): boolean {
  try {
    const group = new ControlGroup(files, controllers, name);
    group.limit(1);
    const script = 'for each; do echo $$ > "$each/cgroup.procs" || exit 1; done';
    const { status } = spawnSync("sh", ["-c", script, "sh", ...group.folders], { stdio: "ignore" });
    return status === 0;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  } finally {
    for (const { folder } of Object.values(controllers)) removeLeftGroups(folder, name);
  }
}
