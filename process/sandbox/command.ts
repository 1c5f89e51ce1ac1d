/**
 * The commands that put a program into a sandbox of the kernel: namespaces (namespaces(7)) that hold what it is given
 * and nothing else. Pure: paths in, arguments out.
 */
import { type Tools, toolPath } from "./tools.ts";

/** Files and folders of the machine by their path inside, outer folders before what is in them. */
export type Paths = Readonly<Record<string, string>>;

export interface SandboxSpec {
  readonly tools: Tools;
  /** Besides a mount namespace. With `user` the program keeps the user of this process outside. */
  readonly namespaces: readonly ("pid" | "ipc" | "uts" | "cgroup" | "net" | "user")[];
  /** With a user namespace, the id inside (bubblewrap alone; with unshare it is 0). Without, root becomes this user. */
  readonly user: number;
  /** Without one of these the sandbox cannot be made. */
  readonly read: Paths;
  readonly readIfThere: Paths;
  readonly write: Paths;
  /** Shell commands that run in the mount namespace before anything is mounted. */
  readonly prepare?: string;
  /** A folder in memory, with folders in it, that bubblewrap makes; for unshare, `prepare` can mount one. */
  readonly memory?: { to: string; folders: readonly string[]; bytes: number; mode: string };
  /** An empty folder of the machine, not above any of the others: unshare builds the root of the sandbox there. */
  readonly root: string;
  /** All variables that the program gets; a shell inside may add its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Current folder, as a path inside. */
  readonly cwd: string;
}

const DEVICES = ["null", "zero", "full", "random", "urandom"];
const DROP = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];
/** What `setpriv` needs to change the user and to drop everything, these three included. */
const CAPABILITIES_OF_SETPRIV = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];

/** The command that runs `program` in a sandbox made by bubblewrap. @throws Error if a tool is not installed */
export function bwrapCommand(spec: SandboxSpec, program: readonly string[]): string[] {
  const { tools, namespaces, user, read, readIfThere, write, prepare, memory, env, cwd } = spec;
  const hasUsers = namespaces.includes("user");
  const bind = (flag: string, paths: Paths) =>
    Object.entries(paths).flatMap(([to, from]) => [flag, from, to]);
  const bwrap = [
    toolPath(tools, "bwrap"),
    ...namespaces.map((name) => (name === "cgroup" ? "--unshare-cgroup-try" : `--unshare-${name}`)),
    ...["--hostname", "function", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"],
    ...(hasUsers
      ? ["--uid", String(user), "--gid", String(user)]
      : CAPABILITIES_OF_SETPRIV.flatMap((name) => ["--cap-add", name])),
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    // Only root could enter those that bubblewrap makes by itself.
    ...foldersAbove({ ...read, ...readIfThere, ...write }).flatMap((to) => ["--perms", "0755", "--dir", to]),
    ...bind("--ro-bind", read),
    ...bind("--ro-bind-try", readIfThere),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...bind("--bind", write),
    ...(memory ? ["--perms", memory.mode, "--size", String(memory.bytes), "--tmpfs", memory.to] : []),
    ...(memory?.folders ?? []).flatMap((folder) => ["--perms", memory!.mode, "--dir", folder]),
    // Read-only: outside, root may own what is in /proc, and a setting of the kernel holds for the whole machine.
    ...["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", cwd],
    ...(hasUsers ? program : [toolPath(tools, "setpriv"), ...identity(user), ...DROP, ...program]),
  ];
  if (prepare === undefined) return bwrap;
  const unshare = [toolPath(tools, "unshare"), "--mount", ...(hasUsers ? ["--user", "--map-root-user"] : [])];
  return [...unshare, toolPath(tools, "sh"), "-c", `set -e; ${prepare}; exec "$@"`, "sh", ...bwrap];
}

/** The command that runs `program` in a sandbox made by util-linux. @throws Error if a tool is not installed */
export function unshareCommand(spec: SandboxSpec, program: readonly string[]): string[] {
  const { tools, namespaces, user } = spec;
  const hasUsers = namespaces.includes("user");
  // Their ends are those of all: first of `unshare`, by which the first process of the namespace ends.
  const [setpriv, dies] = [toolPath(tools, "setpriv"), ["--pdeathsig", "KILL"]];
  return [
    ...[setpriv, ...dies, toolPath(tools, "unshare"), "--mount"],
    ...namespaces.flatMap((name) => (name === "user" ? ["--user", "--map-root-user"] : [`--${name}`])),
    ...["--fork", "--kill-child=SIGKILL", toolPath(tools, "sh"), "-c", mountScript(spec), "sh"],
    // A change of the user clears the signal at the parent's death, so it is asked for again.
    ...[setpriv, ...(hasUsers ? [] : identity(user)), ...DROP, ...dies, ...program],
  ];
}

/** Runs as root of the new mount namespace: builds the tree, makes it the root and runs its arguments there. */
function mountScript({
  tools,
  read,
  readIfThere,
  write,
  prepare = ":",
  root,
  env,
  cwd,
}: SandboxSpec): string {
  const [mount, umount, mkdir] = (["mount", "umount", "mkdir"] as const).map((name) => toolPath(tools, name));
  const place = (command: string, paths: Paths) =>
    Object.entries(paths).map(([to, from]) => `${command} ${quote(from)} ${quote(root + to)}`);
  const lines = [
    "set -e",
    // The program may have another user, who must be able to enter the folders that root makes.
    "umask 022",
    prepare,
    `${mount} -t tmpfs -o size=1m,nr_inodes=1k,mode=0755,nosuid,nodev root ${quote(root)}`,
    `bind() {
      if [ -e "$2" ]; then :
      elif [ -d "$1" ]; then ${mkdir} -p "$2"
      else ${mkdir} -p "\${2%/*}" && : > "$2"
      fi
      ${mount} --bind "$1" "$2"
    }`,
    // The kernel refuses to drop noexec where the mount already has it.
    `limit() { ${mount} -o "remount,bind,$2" "$1" || ${mount} -o "remount,bind,$2,noexec" "$1"; }`,
    `ro() { bind "$1" "$2"; limit "$2" ro,nosuid,nodev; }`,
    `try() { [ ! -e "$1" ] || ro "$1" "$2"; }`,
    `device() { bind "$1" "$2"; limit "$2" rw,nosuid,noexec; }`,
    ...[...place("ro", read), ...place("try", readIfThere), ...place("bind", write)],
    ...place("device", Object.fromEntries(DEVICES.map((name) => [`/dev/${name}`, `/dev/${name}`]))),
    `${mkdir} -p ${quote(`${root}/proc`)} ${quote(`${root}/old`)}`,
    `${mount} -t proc -o ro,nosuid,nodev,noexec proc ${quote(`${root}/proc`)}`,
    `cd ${quote(root)}`,
    `${toolPath(tools, "pivot_root")} . old`,
    `/old${mount} -o remount,bind,ro,nosuid,nodev /`,
    `/old${umount} -l /old`,
    `cd ${quote(cwd)}`,
    ...exportLines(env),
    'exec "$@"',
  ];
  return lines.join("\n");
}

function identity(user: number): string[] {
  return [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
}

/** The folders in which something is put, outermost first. */
function foldersAbove(paths: Paths): string[] {
  const folders = new Set<string>();
  for (const path of Object.keys(paths)) {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1))
      folders.add(path.slice(0, at));
  }
  return [...folders];
}

/** Lines of a shell script that set variables. @throws Error if a name is not one of a variable */
export function exportLines(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is not a valid variable name`);
    return `export ${name}=${quote(value)}`;
  });
}

/** For a POSIX shell: nothing within single quotes means anything. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Limits of resources for a process and each of its children; absent ones stay as they are. */
export interface ResourceLimits {
  /** Memory that it may map for writing. */
  readonly dataKiB?: number;
  /** Longest file that it may write. */
  readonly fileKiB?: number;
  readonly openFiles?: number;
}

/** Shell commands that set the limits, and allow no core file. */
export function limitCommands({ dataKiB, fileKiB, openFiles }: ResourceLimits): string {
  const data = dataKiB === undefined ? "" : `; ulimit -d ${dataKiB}`;
  // In blocks of 512 bytes.
  const file = fileKiB === undefined ? "" : `; ulimit -f ${fileKiB * 2}`;
  // Skiff itself may have been given fewer files, and cannot pass on more.
  const open = openFiles === undefined ? "" : `; ulimit -n ${openFiles} 2>/dev/null || :`;
  return `ulimit -c 0${data}${file}${open}`;
}

/** The command that runs another one within limits. */
export function limitedCommand(limits: ResourceLimits, command: readonly string[]): string[] {
  return ["/bin/sh", "-c", `${limitCommands(limits)}; exec "$@"`, "sh", ...command];
}
