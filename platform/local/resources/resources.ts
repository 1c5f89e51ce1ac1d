import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SmallFiles } from "../../../process/proc/small-files.ts";
import { ControlGroup } from "./control-group.ts";
import { type Controllers, findControllers, type GroupControllers, isRefusal } from "./controllers.ts";
import { InstanceResources } from "./instance-resources.ts";
import { removeLeftGroups, removeStaleGroups } from "./left-groups.ts";

/** A file of the data folder that lists the folders of its groups, so that a start after a crash can remove them. */
const RECORD = "control-groups";

/** Where the control groups of one data folder are made: beside Skiff itself in the group that Skiff started in. */
interface Groups {
  readonly controllers: GroupControllers;
  readonly prefix: string;
  readonly record: string;
}

/** Measures and limits the memory and processor of instances, with control groups where Skiff may make them. */
export class Resources {
  readonly #files = new SmallFiles();
  readonly #groups: Groups | undefined;

  /** @param useGroups false only measures, as on a system without control groups for Skiff */
  constructor(dataFolder: string, { useGroups = true }: { useGroups?: boolean | undefined } = {}) {
    if (useGroups && process.platform === "linux") this.#groups = openGroups(this.#files, dataFolder);
  }

  /** Whether the kernel enforces memory limits and counts socket buffers and page tables. */
  get hasGroups(): boolean {
    return this.#groups !== undefined;
  }

  /** Call it after every instance has been released. */
  close(): void {
    if (this.#groups) rmSync(this.#groups.record, { force: true });
  }

  /**
   * Prepares an instance that has no process yet.
   * @param processes most processes and threads of an instance that starts programs; absent: it starts none
   * @throws an error of the system
   */
  open(id: string, processes?: number): InstanceResources {
    const { controllers, prefix } = this.#groups ?? {};
    const group = controllers && new ControlGroup(this.#files, controllers, prefix + id, processes);
    const tree = processes === undefined ? {} : { most: processes, ofAllThreads: true };
    return new InstanceResources(this.#files, group, tree);
  }
}

/**
 * Kills and removes what a crashed Skiff left in the groups of this data folder. Then makes a group and moves a process
 * into it as a test; undefined if the system refuses.
 */
function openGroups(files: SmallFiles, dataFolder: string): Groups | undefined {
  const record = join(dataFolder, RECORD);
  const prefix = prefixOf(dataFolder);
  const before = existsSync(record) ? readFileSync(record, "utf8").split("\n") : [];
  const { memory, ...others } = ownControllers();
  const folders = [...new Set(Object.values({ memory, ...others }).flatMap((each) => each?.folder ?? []))];
  for (const folder of new Set([...before, ...folders])) removeLeftGroups(folder, prefix);
  for (const folder of folders) removeStaleGroups(folder, Date.now());
  rmSync(record, { force: true });
  if (memory === undefined) return undefined;
  // Memory alone is enough where the others do not work.
  const choices: GroupControllers[] = [{ memory, ...others }, { memory }];
  const controllers = choices.find((each) => works(files, each, `${prefix}probe`));
  if (controllers === undefined) return undefined;
  writeFileSync(record, folders.join("\n"), { mode: 0o600 });
  return { controllers, prefix, record };
}

/** Differs for a copy of the data folder, such as a backup. */
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

function works(files: SmallFiles, controllers: GroupControllers, name: string): boolean {
  try {
    const group = new ControlGroup(files, controllers, name);
    group.limit(1);
    const script = 'for each; do echo $$ > "$each/cgroup.procs" || exit 1; done';
    return spawnSync("sh", ["-c", script, "sh", ...group.folders], { stdio: "ignore" }).status === 0;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  } finally {
    for (const { folder } of Object.values(controllers)) removeLeftGroups(folder, name);
  }
}
