import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

interface Controller {
  readonly version: 1 | 2;
  /** The folder in which a group is a subfolder. */
  readonly folder: string;
}

type ControllerName = "memory" | "pids" | "cpu";

export type Controllers = Readonly<Partial<Record<ControllerName, Controller>>>;

/** The controllers of an instance. The memory controller is the minimum. */
export type GroupControllers = Controllers & { readonly memory: Controller };

export interface ControllerSources {
  /** `/proc/self/mountinfo`. */
  readonly mounts: string;
  /** `/proc/self/cgroup`. */
  readonly own: string;
  /** This process and its ancestors, such as `npm` or a shell in a systemd unit. */
  readonly family: readonly number[];
  /** Root may make groups at the top if its own group has other processes. */
  readonly isRoot: boolean;
}

const WANTED: readonly ControllerName[] = ["memory", "pids", "cpu"];
/** A group with processes cannot delegate its controllers, so Skiff itself moves into this subgroup. */
const LEAF = "skiff-main";

/** Finds the folders where Skiff may make groups. Version 2 moves this process into a group beside the new ones. */
export function findControllers({ mounts, own, family, isRoot }: ControllerSources): Controllers {
  const found: Partial<Record<ControllerName, Controller>> = {};
  const places = parseMounts(mounts);
  for (const line of own.split("\n")) {
    const [, names = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of WANTED) {
      if (!names.split(",").includes(name)) continue;
      const mount = places.find(({ version, options }) => version === 1 && options.includes(name));
      const folder = mount && folderOf(mount, path);
      if (folder !== undefined) found[name] = { version: 1, folder };
    }
  }
  const mount = places.find(({ version }) => version === 2);
  const path = /^0::(.*)$/m.exec(own)?.[1];
  const missing = WANTED.filter((name) => found[name] === undefined);
  if (mount === undefined || path === undefined || missing.length === 0) return found;
  for (const folder of new Set([folderOf(mount, path), isRoot ? mount.path : undefined])) {
    if (folder === undefined) continue;
    const offered = readWords(join(folder, "cgroup.controllers"));
    const names = missing.filter((name) => offered.includes(name));
    if (names.length === 0 || !delegate(folder, names, folder === mount.path ? undefined : family)) continue;
    for (const name of names) found[name] = { version: 2, folder };
    break;
  }
  return found;
}

interface Mount {
  readonly version: 1 | 2;
  readonly path: string;
  /** The group that is visible at `path`. */
  readonly root: string;
  readonly options: readonly string[];
}

/** Lines of mountinfo: id, parent, device, root, mount point, options, …, a dash, type, source, options of the type. */
function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const [type, , options = ""] = right.split(" ");
    const [, , , root = "", path = ""] = left.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    return [{ version: type === "cgroup" ? 1 : 2, path, root, options: options.split(",") } as const];
  });
}

function folderOf(mount: Mount, group: string): string | undefined {
  // A Skiff that was restarted by itself is in its own leaf already.
  const inside = relative(mount.root, group.endsWith(`/${LEAF}`) ? dirname(group) : group);
  const folder = inside.startsWith("..") ? undefined : join(mount.path, inside);
  return folder !== undefined && existsSync(folder) ? folder : undefined;
}

/**
 * Enables controllers for the subgroups of `folder`. Returns false if the system refuses, or if the group has processes
 * outside `family`. Without a family the processes stay where they are, which the kernel allows at the top only.
 */
function delegate(folder: string, names: readonly string[], family?: readonly number[]): boolean {
  try {
    const control = join(folder, "cgroup.subtree_control");
    const missing = names.filter((name) => !readWords(control).includes(name));
    if (missing.length === 0) return true;
    if (family) {
      const inside = readWords(join(folder, "cgroup.procs")).map(Number);
      if (inside.some((pid) => !family.includes(pid))) return false;
      const leaf = join(folder, LEAF);
      mkdirSync(leaf, { recursive: true });
      for (const pid of inside) writeFileSync(join(leaf, "cgroup.procs"), String(pid));
    }
    writeFileSync(control, missing.map((name) => `+${name}`).join(" "));
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Returns the words of a file; none if it does not exist. */
export function readWords(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split(/\s+/).filter(Boolean) : [];
}

/** Whether the system refuses to let Skiff manage groups, as in a container or for a user without delegation. */
export function isRefusal(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return ["EACCES", "EPERM", "EROFS", "EBUSY", "ENOENT", "EINVAL", "EOPNOTSUPP", "ENOSPC", "ENODEV"].includes(
    code ?? "",
  );
}
