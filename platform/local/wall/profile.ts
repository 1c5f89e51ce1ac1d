/**
 * The commands that put a wall of the kernel around one instance: namespaces (namespaces(7)) that hold the libraries,
 * Deno, the runtime and the code of the version read-only, and one folder in memory to write to. Pure: paths in,
 * arguments out.
 */

/**
 * How the wall is made. `bwrap`: bubblewrap makes the namespaces and `unshare` mounts the folder in memory. `bwrap-plain`:
 * bubblewrap alone, for systems on which only it may make namespaces; links in the folder are followed then.
 * `unshare`: util-linux alone.
 */
export type WallKind = "bwrap" | "bwrap-plain" | "unshare";

export const WALL_KINDS: readonly WallKind[] = ["bwrap", "bwrap-plain", "unshare"];

/** Real paths of the system's programs; those that are not installed are absent. */
export type Tools = Readonly<Partial<Record<ToolName, string>>>;
export const TOOL_NAMES = [
  ...["bwrap", "unshare", "mount", "umount", "pivot_root", "setpriv", "sh", "mkdir", "chown", "touch", "ldd"],
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

export interface Profile {
  readonly kind: WallKind;
  readonly tools: Tools;
  /** Skiff runs as root: instances get users of their own. Otherwise they stay its user, in a user namespace. */
  readonly isRoot: boolean;
  /** Programs and libraries that exist inside at the path that they have outside. */
  readonly files: readonly string[];
  /** Files of the system that programs look for, where there are any. */
  readonly system: readonly string[];
  /** Host paths of what stands at `INSIDE`. */
  readonly deno: string;
  readonly runtime: string;
}

/** What one sandbox has for itself. */
export interface Place {
  /** Host folder that is read-only inside; may be filled later. */
  readonly code: string;
  /** Empty host folders over which the kernel mounts; what is mounted is seen inside alone. */
  readonly work: string;
  readonly root: string;
  readonly workBytes: number;
  readonly user: number;
  readonly network: PlaceNetwork;
}

export interface PlaceNetwork {
  /** `own`: an empty one. `outer`: that of the command, which `enter` may have changed. */
  readonly namespace: "own" | "outer";
  /** Arguments in front of the command. */
  readonly enter: readonly string[];
  /** Host file that is /etc/resolv.conf inside; that of the machine if absent. */
  readonly resolvConf?: string;
}

/** Paths inside. */
export const INSIDE = {
  deno: "/skiff/deno",
  runtime: "/skiff/runtime.mjs",
  code: "/skiff/code",
  bundle: "/skiff/code/bundle.mjs",
  start: "/skiff/code/start.sh",
  /** The folder in memory: holds the socket, `scratch` and what is mounted on /dev/shm. */
  work: "/work",
  socket: "/work/sock",
  scratch: "/work/scratch",
  /** Where Deno keeps code that it compiled. */
  denoDir: "/work/deno",
} as const;

/** What the sandbox prints when it waits. */
export const WAITING = "waiting";
/** Runs inside until it gets a line; then it is what start.sh says. Its input ends with Skiff. */
const WAIT = `echo ${WAITING}; read -r go || exit 0; . ${INSIDE.start}`;
const DEVICES = ["null", "zero", "full", "random", "urandom"];
/** A file or folder of the function takes one; bounded because the kernel holds them outside of the size. */
const BYTES_PER_INODE = 8 * 1024;

/** The command that makes a sandbox which waits. @throws Error if a tool that the kind needs is not installed */
export function sandboxCommand(profile: Profile, place: Place): string[] {
  const command = profile.kind === "unshare" ? unshareCommand(profile, place) : bwrapCommand(profile, place);
  return [...place.network.enter, ...command];
}

function bwrapCommand(profile: Profile, place: Place): string[] {
  const { isRoot, files, kind } = profile;
  const isMounted = kind === "bwrap";
  const bwrap = [
    tool(profile, "bwrap"),
    ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "function"],
    ...(place.network.namespace === "own" ? ["--unshare-net"] : []),
    // Root drops to a user of the instance inside; for anybody else there is no other user to drop to.
    ...(isRoot ? [] : ["--unshare-user", "--uid", String(place.user), "--gid", String(place.user)]),
    ...["--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"],
    ...(isRoot ? ["SETUID", "SETGID", "SETPCAP"].flatMap((name) => ["--cap-add", `CAP_${name}`]) : []),
    // Those that bubblewrap makes by itself are for root alone.
    ...foldersOf(profile, place).flatMap((folder) => ["--perms", "0755", "--dir", folder]),
    ...files.flatMap((file) => ["--ro-bind", file, file]),
    ...systemFiles(profile, place).flatMap(([from, to]) => ["--ro-bind-try", from, to]),
    ...fixed(profile, place).flatMap(([from, to]) => ["--ro-bind", from, to]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...(isMounted
      ? ["--bind", place.work, INSIDE.work, "--bind", `${place.work}/shm`, "/dev/shm"]
      : plainWork(profile, place)),
    ...["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"],
    ...waiting(profile, place),
  ];
  if (!isMounted) return bwrap;
  const userNamespace = isRoot ? [] : ["--user", "--map-root-user"];
  const script = `set -e; ${mountWork(profile, place)}; exec "$@"`;
  return [
    tool(profile, "unshare"),
    "--mount",
    ...userNamespace,
    tool(profile, "sh"),
    "-c",
    script,
    "sh",
    ...bwrap,
  ];
}

/** Of root and open to all where instances have users of their own: nobody but the instance is inside. */
function plainWork({ isRoot }: Profile, { workBytes }: Place): string[] {
  const perms = ["--perms", isRoot ? "0777" : "0700"];
  return [...perms, "--size", String(workBytes), "--tmpfs", INSIDE.work, ...perms, "--dir", INSIDE.scratch];
}

function unshareCommand(profile: Profile, place: Place): string[] {
  const { isRoot } = profile;
  const namespaces = [
    "--mount",
    "--pid",
    "--ipc",
    "--uts",
    ...(place.network.namespace === "own" ? ["--net"] : []),
  ];
  return [
    // Its end is the end of all: first of `unshare`, by which the first process of the namespace ends.
    ...[tool(profile, "setpriv"), "--pdeathsig", "KILL"],
    ...[tool(profile, "unshare"), ...namespaces, ...(isRoot ? [] : ["--user", "--map-root-user"])],
    ...["--fork", "--kill-child=SIGKILL"],
    ...[tool(profile, "sh"), "-c", mountScript(profile, place), "sh", ...waiting(profile, place)],
  ];
}

/** What runs as root of the new mount namespace: builds the tree, makes it the root, and runs its arguments there. */
function mountScript(profile: Profile, place: Place): string {
  const { root } = place;
  const mount = tool(profile, "mount");
  const mkdir = tool(profile, "mkdir");
  const touch = tool(profile, "touch");
  const isFolder = (to: string) => to === INSIDE.code;
  const bind = (from: string, to: string, options = "ro,nosuid,nodev") => [
    `${mkdir} -p ${quote(root + (isFolder(to) ? to : to.slice(0, to.lastIndexOf("/"))))}`,
    ...(isFolder(to) ? [] : [`${touch} ${quote(root + to)}`]),
    `${mount} --bind ${quote(from)} ${quote(root + to)}`,
    `${mount} -o remount,bind,${options} ${quote(root + to)}`,
  ];
  const lines = [
    "set -e",
    // An instance has a user of its own, who must get through the folders that root makes.
    "umask 022",
    `${mount} -t tmpfs -o size=1m,nr_inodes=1k,mode=0755,nosuid,nodev root ${quote(root)}`,
    ...[...profile.files.map((file) => [file, file] as const), ...fixed(profile, place)].flatMap(
      ([from, to]) => bind(from, to),
    ),
    ...systemFiles(profile, place).map(
      ([from, to]) => `if [ -e ${quote(from)} ]; then ${bind(from, to).join("; ")}; fi`,
    ),
    ...DEVICES.flatMap((name) => bind(`/dev/${name}`, `/dev/${name}`, "rw,nosuid,noexec")),
    `${mkdir} -p ${["/proc", "/dev/shm", INSIDE.work, "/old"].map((folder) => quote(root + folder)).join(" ")}`,
    mountWork(profile, { ...place, work: root + INSIDE.work }),
    `${mount} --bind ${quote(`${root}${INSIDE.work}/shm`)} ${quote(`${root}/dev/shm`)}`,
    `${mount} -t proc -o ro,nosuid,nodev,noexec proc ${quote(`${root}/proc`)}`,
    `cd ${quote(root)}`,
    `${tool(profile, "pivot_root")} . old`,
    "cd /",
    `${tool(profile, "umount")} -l /old`,
    `${mount} -o remount,bind,ro,nosuid,nodev /`,
    'exec "$@"',
  ];
  return lines.join("\n");
}

/** The one folder that can be written to: in memory, of limited size, where no link is followed (`nosymfollow`). */
function mountWork(profile: Profile, { work, workBytes, user }: Place): string {
  const { isRoot } = profile;
  const owner = isRoot ? `,uid=${user},gid=${user}` : "";
  const inodes = Math.ceil(workBytes / BYTES_PER_INODE);
  const options = `size=${workBytes},nr_inodes=${inodes},mode=0700${owner},nosuid,nodev,nosymfollow`;
  const made = `${tool(profile, "mkdir")} -m 700 ${quote(`${work}/scratch`)} ${quote(`${work}/shm`)}`;
  const given = `${tool(profile, "chown")} ${user}:${user} ${quote(`${work}/scratch`)} ${quote(`${work}/shm`)}`;
  return [
    `${tool(profile, "mount")} -t tmpfs -o ${options} work ${quote(work)}`,
    made,
    ...(isRoot ? [given] : []),
  ].join("; ");
}

/** Without rights from here on; `--bounding-set` keeps a program from getting them back. */
function waiting(profile: Profile, { user }: Place): string[] {
  const { isRoot, kind } = profile;
  const program = [tool(profile, "sh"), "-c", WAIT];
  const drop = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];
  const setpriv = tool(profile, "setpriv");
  // Changing the user takes the signal away that the process gets at the death of its parent.
  const dies = kind === "unshare" ? ["--pdeathsig", "KILL"] : [];
  if (isRoot) {
    const identity = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
    return [setpriv, ...identity, ...drop, ...dies, ...program];
  }
  // bwrap has dropped everything already.
  return kind === "unshare" ? [setpriv, ...drop, ...dies, ...program] : program;
}

function fixed({ deno, runtime }: Profile, { code }: Place): (readonly [string, string])[] {
  return [
    [deno, INSIDE.deno],
    [runtime, INSIDE.runtime],
    [code, INSIDE.code],
  ];
}

function systemFiles({ system }: Profile, { network }: Place): (readonly [string, string])[] {
  const resolvConf = network.resolvConf ?? "/etc/resolv.conf";
  return [[resolvConf, "/etc/resolv.conf"], ...system.map((file) => [file, file] as const)];
}

/** The folders in which something is put, outermost first. */
function foldersOf(profile: Profile, place: Place): string[] {
  const paths = [
    ...profile.files,
    ...[...fixed(profile, place), ...systemFiles(profile, place)].map(([, to]) => to),
  ];
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1))
      folders.add(path.slice(0, at));
  }
  return [...folders];
}

function tool({ tools }: Pick<Profile, "tools">, name: ToolName): string {
  const path = tools[name];
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** For a POSIX shell: nothing within single quotes means anything. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export interface Start {
  /** What Deno is started with. */
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Most files and connections that it may have open. */
  readonly openFiles: number;
}

/**
 * The script that turns a waiting sandbox into an instance. What is started is settled before the variables are set:
 * one of them may have the name of one of the shell's own.
 * @throws Error if a variable's name is none
 */
export function startScript({ arguments: args, env, openFiles }: Start): string {
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is no name of a variable`);
    return `export ${name}=${quote(value)}\n`;
  });
  // Skiff itself may have been given fewer files, which nobody can hand on more of.
  const limits = `ulimit -c 0\nulimit -n ${openFiles} 2>/dev/null || :\n`;
  return `cd ${INSIDE.scratch}\n${limits}set -- ${[INSIDE.deno, ...args].map(quote).join(" ")}\n${variables.join("")}exec "$@"\n`;
}
