import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Where groups of one kind can be made. */
export interface Controller {
  readonly version: 1 | 2;
  /** The folder in which a group is a folder. */
  readonly folder: string;
}

export type ControllerName = "memory" | "pids" | "cpu";

export type Controllers = Readonly<Partial<Record<ControllerName, Controller>>>;

/** What limits the memory of an instance at least. */
export type GroupControllers = Controllers & { readonly memory: Controller };

export interface ControllerSources {
  /** `/proc/self/mountinfo`. */
  readonly mounts: string;
  /** `/proc/self/cgroup`. */
  readonly own: string;
  /** This process and those that started it, which a unit of systemd has besides: `npm`, a shell. */
  readonly family: readonly number[];
  /** Root may make a group outside its own where its own has other processes. */
  readonly isRoot: boolean;
}

const WANTED: readonly ControllerName[] = ["memory", "pids", "cpu"];
/** A group with processes of its own cannot hand its controllers on, so Skiff itself moves into this one. */
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
  const delegated = delegatedFolder(mount.path, folderOf(mount, path), { family, isRoot, missing });
  for (const name of delegated?.names ?? []) found[name] = { version: 2, folder: delegated!.folder };
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
  // A Skiff that was started again by itself is in its own leaf already.
  const inside = relative(mount.root, group.endsWith(`/${LEAF}`) ? dirname(group) : group);
  const folder = inside.startsWith("..") ? undefined : join(mount.path, inside);
  return folder !== undefined && existsSync(folder) ? folder : undefined;
}

interface DelegationOptions {
  readonly family: readonly number[];
  readonly isRoot: boolean;
  readonly missing: readonly string[];
}

/** A folder of version 2 whose groups have the controllers that are missing, as far as they can be had. */
function delegatedFolder(top: string, own: string | undefined, options: DelegationOptions) {
  for (const folder of new Set([own, ...(options.isRoot ? [top] : [])])) {
    if (folder === undefined) continue;
    const names = readWords(join(folder, "cgroup.controllers"));
    const wanted = WANTED.filter((name) => names.includes(name) && options.missing.includes(name));
    if (wanted.length === 0) continue;
    try {
      enable(folder, top, wanted, options.family);
      return { folder, names: wanted };
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  return undefined;
}

/** @throws an error of the system where the group is not ours to divide */
function enable(folder: string, top: string, names: readonly string[], family: readonly number[]): void {
  const control = join(folder, "cgroup.subtree_control");
  const missing = names.filter((name) => !readWords(control).includes(name));
  if (missing.length === 0) return;
  if (folder !== top) {
    const inside = readWords(join(folder, "cgroup.procs")).map(Number);
    if (inside.some((pid) => !family.includes(pid))) throw refusal(`${folder} has other processes`);
    const leaf = join(folder, LEAF);
    mkdirSync(leaf, { recursive: true });
    for (const pid of inside) writeFileSync(join(leaf, "cgroup.procs"), String(pid));
  }
  writeFileSync(control, missing.map((name) => `+${name}`).join(" "));
}

function readWords(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split(/\s+/).filter(Boolean) : [];
}

function refusal(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: "EBUSY" });
}

/** True for what the system answers where groups are not ours to make: a container, a user without delegation. */
export function isRefusal(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return ["EACCES", "EPERM", "EROFS", "EBUSY", "ENOENT", "EINVAL", "EOPNOTSUPP", "ENOSPC", "ENODEV"].includes(
    code ?? "",
  );
}
