/** Plans the kernel's wall around one instance. Pure. */
import { basename } from "node:path";
import {
  bwrapCommand,
  exportLines,
  limitCommands,
  type Paths,
  quote,
  type ResourceLimits,
  type SandboxSpec,
  unshareCommand,
} from "../../../process/sandbox/command.ts";
import { type Tools, toolPath } from "../../../process/sandbox/tools.ts";
import { CACHE_FOLDER } from "../../../runtimes/deno/code-cache.ts";
import type { LaunchPlan, RuntimeFiles } from "../../../runtimes/runtime.ts";
import type { InstanceFolder } from "../instances/instance-folder.ts";

/**
 * The tools of the wall. `bwrap`: bubblewrap makes the namespaces, and `unshare` mounts the folder in memory. `bwrap-plain`:
 * bubblewrap alone, for systems that allow namespaces to it only; the kernel then follows links in the folder. `unshare`:
 * util-linux alone.
 */
export type WallKind = "bwrap" | "bwrap-plain" | "unshare";

export const WALL_KINDS: readonly WallKind[] = ["bwrap", "bwrap-plain", "unshare"];

export interface Profile {
  readonly kind: WallKind;
  readonly tools: Tools;
  /** True if Skiff runs as root: each instance gets its own user. Otherwise it keeps Skiff's, in a user namespace. */
  readonly isRoot: boolean;
  /** Programs and libraries, at the same path inside as outside. */
  readonly files: readonly string[];
  /** Optional files of the system, such as /etc/hosts. */
  readonly system: readonly string[];
  /** Paths on this machine; `insideFiles` maps them. */
  readonly runtime: RuntimeFiles;
  /** Absent: the profile of Deno. With bubblewrap only. */
  readonly wide?: WideProfile;
}

/** What else the profile of programs has: system folders among `files`, links in the folder in memory, and /tmp. */
export interface WideProfile {
  /** Symbolic links of this machine, such as /bin: their targets by their path. */
  readonly links: Readonly<Record<string, string>>;
  /** Folders below `files` whose content programs must not see. */
  readonly hidden: readonly string[];
  /** File with the filter of system calls; absent: there is none for this processor. */
  readonly filter?: string | undefined;
}

/** Folders and network of one sandbox. */
export interface Place extends Pick<InstanceFolder, "code" | "work" | "root"> {
  readonly workBytes: number;
  readonly user: number;
  readonly network: PlaceNetwork;
}

export interface PlaceNetwork {
  /** `own`: an empty network. `outer`: the network of the command, which `enter` may change. */
  readonly namespace: "own" | "outer";
  /** Arguments in front of the command. */
  readonly enter: readonly string[];
  /** Host file for /etc/resolv.conf inside; the machine's by default. */
  readonly resolvConf?: string;
}

/** Paths inside. */
export const INSIDE = {
  code: "/skiff/code",
  /** The artifact: a module, or the folder of a project. */
  module: "/skiff/code/bundle.mjs",
  project: "/skiff/code/project",
  start: "/skiff/code/start.sh",
  /** The folder in memory, with the socket, `scratch` and the folder that is mounted on /dev/shm. */
  work: "/work",
  socket: "/work/sock",
  scratch: "/work/scratch",
  /** Where the runtime keeps compiled code. */
  cache: `/work/${CACHE_FOLDER}`,
  /** With a wide profile: who the user is. */
  passwd: "/skiff/code/passwd",
  group: "/skiff/code/group",
} as const;

export function insideFiles({ binary, program }: RuntimeFiles): RuntimeFiles {
  return { binary: `/skiff/${basename(binary)}`, program: `/skiff/${basename(program)}` };
}

/** Printed by a sandbox that waits. */
export const WAITING = "waiting";
/** Waits for a line of input, then runs start.sh. The input ends with Skiff. */
const WAIT = `echo ${WAITING}; read -r go || exit 0; . ${INSIDE.start}`;
/** Limits inodes, because the size of a tmpfs does not count their memory. */
const BYTES_PER_INODE = 8 * 1024;

/** Returns the command for a sandbox that waits. @throws Error if a tool that the kind needs is not installed */
export function sandboxCommand(profile: Profile, place: Place): string[] {
  const { kind, tools } = profile;
  const spec = sandboxSpec(profile, place);
  const program = [toolPath(tools, "sh"), "-c", WAIT];
  const command = kind === "unshare" ? unshareCommand(spec, program) : bwrapCommand(spec, program);
  return [...place.network.enter, ...command];
}

function sandboxSpec(profile: Profile, place: Place): SandboxSpec {
  const { kind, tools, isRoot, files, system, runtime } = profile;
  const { user, root, work, code, network, workBytes } = place;
  const { binary, program } = insideFiles(runtime);
  const { resolvConf = "/etc/resolv.conf" } = network;
  const own = network.namespace === "own" ? (["net"] as const) : [];
  const narrow: SandboxSpec = {
    ...{ tools, user, root, env: {}, cwd: "/", write: {} },
    namespaces: ["pid", "ipc", "uts", ...own, ...(isRoot ? [] : (["user"] as const))],
    read: { ...same(files), [binary]: runtime.binary, [program]: runtime.program, [INSIDE.code]: code },
    readIfThere: { "/etc/resolv.conf": resolvConf, ...same(system) },
  };
  const spec: SandboxSpec = profile.wide ? { ...narrow, ...widened(profile.wide, narrow, code) } : narrow;
  if (kind !== "bwrap-plain") {
    const write = { [INSIDE.work]: work, "/dev/shm": `${work}/shm` };
    return { ...spec, write, prepare: mountWork(profile, place) };
  }
  // As root, the folder belongs to root but the instance has its own user. Only the instance is inside.
  const mode = isRoot ? "0777" : "0700";
  return { ...spec, memory: { to: INSIDE.work, folders: [INSIDE.scratch], bytes: workBytes, mode } };
}

function widened(
  { links, hidden, filter }: WideProfile,
  { read }: SandboxSpec,
  code: string,
): Pick<SandboxSpec, "read" | "links" | "hidden" | "filter"> {
  const names = { "/etc/passwd": `${code}/passwd`, "/etc/group": `${code}/group` };
  return {
    read: { ...read, ...names },
    links: { ...links, "/tmp": INSIDE.scratch, "/var/tmp": INSIDE.scratch },
    ...{ hidden, filter },
  };
}

/** The files of `INSIDE.passwd` and `INSIDE.group`: programs ask for the name of their user. */
export function userFiles(user: number): { readonly passwd: string; readonly group: string } {
  return {
    passwd: `root:x:0:0::/:/usr/sbin/nologin\nfunction:x:${user}:${user}::${INSIDE.scratch}:/bin/sh\n`,
    group: `root:x:0:\nfunction:x:${user}:\n`,
  };
}

function same(paths: readonly string[]): Paths {
  return Object.fromEntries(paths.map((path) => [path, path]));
}

/**
 * Mounts the only writable folder: in memory, of limited size. For Deno, whose flags do not check the targets of links,
 * without following them (`nosymfollow`).
 */
function mountWork({ tools, isRoot, wide }: Profile, { work, workBytes, user }: Place): string {
  const owner = isRoot ? `,uid=${user},gid=${user}` : "";
  const inodes = Math.ceil(workBytes / BYTES_PER_INODE);
  const options = `size=${workBytes},nr_inodes=${inodes},mode=0700${owner},nosuid,nodev${wide ? "" : ",nosymfollow"}`;
  const folders = `${quote(`${work}/scratch`)} ${quote(`${work}/shm`)}`;
  return [
    `${toolPath(tools, "mount")} -t tmpfs -o ${options} work ${quote(work)}`,
    `${toolPath(tools, "mkdir")} -m 700 ${folders}`,
    ...(isRoot ? [`${toolPath(tools, "chown")} ${user}:${user} ${folders}`] : []),
  ].join("; ");
}

/**
 * Returns the script that turns a waiting sandbox into an instance. It fixes the command before it sets variables, because
 * the shell uses some variables itself.
 * @throws Error if the name of a variable is not valid
 */
export function startScript(
  plan: Pick<LaunchPlan, "command" | "env" | "cwd">,
  limits: ResourceLimits,
): string {
  const command = `set -- ${plan.command.map(quote).join(" ")}`;
  const lines = [
    `cd ${quote(plan.cwd ?? INSIDE.scratch)}`,
    limitCommands(limits),
    command,
    ...exportLines(plan.env),
  ];
  return `${[...lines, 'exec "$@"'].join("\n")}\n`;
}
