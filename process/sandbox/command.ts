/** Commands that run a program in namespaces(7) which contain only the paths of its `SandboxSpec`. Pure. */
import { type Tools, toolPath } from "./tools.ts";

/** Host paths by their path inside. Outer folders come before their contents. */
export type Paths = Readonly<Record<string, string>>;

export interface SandboxSpec {
  readonly tools: Tools;
  /** New namespaces besides a mount namespace. With `user` the program runs as the user of this process outside. */
  readonly namespaces: readonly ("pid" | "ipc" | "uts" | "cgroup" | "net" | "user")[];
  /** User id inside. With a user namespace, only bubblewrap sets it (with unshare it is 0); otherwise root switches. */
  readonly user: number;
  readonly read: Paths;
  /** Paths to skip if they do not exist. */
  readonly readIfThere: Paths;
  readonly write: Paths;
  /** Symbolic links: their targets by their path. Bubblewrap only. */
  readonly links?: Paths;
  /** Folders below `read` whose content nobody sees. Bubblewrap only. */
  readonly hidden?: readonly string[];
  /** File with a filter of system calls, such as `programFilter`. Bubblewrap only. */
  readonly filter?: string | undefined;
  /** Shell commands that run in the mount namespace before the mounts. */
  readonly prepare?: string;
  /** A folder in memory that bubblewrap mounts, with its subfolders; for unshare, `prepare` can mount one. */
  readonly memory?: { to: string; folders: readonly string[]; bytes: number; mode: string };
  /** An empty host folder, not above any other path, where unshare builds the root of the sandbox. */
  readonly root: string;
  /** All variables of the program; a shell inside may add its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Current folder, as a path inside. */
  readonly cwd: string;
}

/** Descriptor of the filter for bubblewrap, which closes it. */
const FILTER_FILE = 9;
const DEVICES = ["null", "zero", "full", "random", "urandom"];
const DROP = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];
/** Capabilities that `setpriv` needs to change the user and to drop all capabilities, these three included. */
const CAPABILITIES_OF_SETPRIV = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];

/** Runs `program` in a sandbox of bubblewrap. @throws Error if a tool is not installed */
export function bwrapCommand(spec: SandboxSpec, program: readonly string[]): string[] {
  const { tools, namespaces, user, read, readIfThere, write, prepare, memory, env, cwd } = spec;
  const { links = {}, hidden = [], filter } = spec;
  const hasUsers = namespaces.includes("user");
  const bind = (flag: string, paths: Paths) =>
    Object.entries(paths).flatMap(([to, from]) => [flag, from, to]);
  const bwrap = [
    toolPath(tools, "bwrap"),
    ...namespaces.map((name) => (name === "cgroup" ? "--unshare-cgroup-try" : `--unshare-${name}`)),
    ...["--hostname", "function", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"],
    ...(filter === undefined ? [] : ["--seccomp", String(FILTER_FILE)]),
    ...(hasUsers
      ? ["--uid", String(user), "--gid", String(user)]
      : CAPABILITIES_OF_SETPRIV.flatMap((name) => ["--cap-add", name])),
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    // Only root can enter the folders that bubblewrap makes by itself.
    ...foldersAbove({ ...read, ...readIfThere, ...write, ...links }).flatMap((to) => [
      "--perms",
      "0755",
      "--dir",
      to,
    ]),
    ...bind("--ro-bind", read),
    ...bind("--ro-bind-try", readIfThere),
    ...hidden.flatMap((folder) => ["--tmpfs", folder, "--remount-ro", folder]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...bind("--bind", write),
    ...bind("--symlink", links),
    ...(memory ? ["--perms", memory.mode, "--size", String(memory.bytes), "--tmpfs", memory.to] : []),
    ...(memory?.folders ?? []).flatMap((folder) => ["--perms", memory!.mode, "--dir", folder]),
    // Read-only, because root may own files in /proc outside, and kernel settings apply to the whole machine.
    ...["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", cwd],
    ...(hasUsers ? program : [toolPath(tools, "setpriv"), ...identity(user), ...DROP, ...program]),
  ];
  const open = filter === undefined ? "" : ` ${FILTER_FILE}<${quote(filter)}`;
  const shell = (script: string) => [
    toolPath(tools, "sh"),
    "-c",
    `${script}exec "$@"${open}`,
    "sh",
    ...bwrap,
  ];
  if (prepare === undefined) return filter === undefined ? bwrap : shell("");
  const unshare = [toolPath(tools, "unshare"), "--mount", ...(hasUsers ? ["--user", "--map-root-user"] : [])];
  return [...unshare, ...shell(`set -e; ${prepare}; `)];
}

/** Runs `program` in a sandbox of util-linux. @throws Error if a tool is not installed */
export function unshareCommand(spec: SandboxSpec, program: readonly string[]): string[] {
  const { tools, namespaces, user } = spec;
  const hasUsers = namespaces.includes("user");
  // The sandbox ends with this process: `unshare` gets SIGKILL, and with it the first process of the namespace.
  const [setpriv, dies] = [toolPath(tools, "setpriv"), ["--pdeathsig", "KILL"]];
  return [
    ...[setpriv, ...dies, toolPath(tools, "unshare"), "--mount"],
    ...namespaces.flatMap((name) => (name === "user" ? ["--user", "--map-root-user"] : [`--${name}`])),
    ...["--fork", "--kill-child=SIGKILL", toolPath(tools, "sh"), "-c", mountScript(spec), "sh"],
    // A change of the user clears the parent-death signal, so it is set again.
    ...[setpriv, ...(hasUsers ? [] : identity(user)), ...DROP, ...dies, ...program],
  ];
}

/** A script for root of the new mount namespace. It mounts all paths, changes the root and runs its arguments there. */
function mountScript(spec: SandboxSpec): string {
  const { tools, read, readIfThere, write, prepare = ":", root, env, cwd } = spec;
  const [mount, umount, mkdir] = (["mount", "umount", "mkdir"] as const).map((name) => toolPath(tools, name));
  const place = (command: string, paths: Paths) =>
    Object.entries(paths).map(([to, from]) => `${command} ${quote(from)} ${quote(root + to)}`);
  const lines = [
    "set -e",
    // The program may run as another user, which must be able to enter the folders that root makes.
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
    // The kernel does not remove noexec from a mount that already has it.
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

/** All parent folders of the paths, outermost first. */
function foldersAbove(paths: Paths): string[] {
  const folders = new Set<string>();
  for (const path of Object.keys(paths)) {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1))
      folders.add(path.slice(0, at));
  }
  return [...folders];
}

/** Shell lines that export variables. @throws Error if a name is not valid */
export function exportLines(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is not a valid variable name`);
    return `export ${name}=${quote(value)}`;
  });
}

/** Quotes an argument for a POSIX shell, which interprets nothing within single quotes. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Resource limits of a process and of each of its children. Absent limits stay unchanged. */
export interface ResourceLimits {
  /** Writable memory mappings. */
  readonly dataKiB?: number;
  /** Size of a written file. */
  readonly fileKiB?: number;
  readonly openFiles?: number;
  /** Processes and threads of the user, who is the only one of a sandbox. */
  readonly processes?: number;
}

/** Shell commands that set the limits and disable core files. */
export function limitCommands({ dataKiB, fileKiB, openFiles, processes }: ResourceLimits): string {
  const data = dataKiB === undefined ? "" : `; ulimit -d ${dataKiB}`;
  // In blocks of 512 bytes.
  const file = fileKiB === undefined ? "" : `; ulimit -f ${fileKiB * 2}`;
  // Fails if Skiff itself has a lower limit, which then applies.
  const open = openFiles === undefined ? "" : `; ulimit -n ${openFiles} 2>/dev/null || :`;
  // Some shells name it `u`, others `p`.
  const most =
    processes === undefined ? "" : `; ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}`;
  return `ulimit -c 0${data}${file}${open}${most}`;
}

/** Runs a command within limits. */
export function limitedCommand(limits: ResourceLimits, command: readonly string[]): string[] {
  return ["/bin/sh", "-c", `${limitCommands(limits)}; exec "$@"`, "sh", ...command];
}
