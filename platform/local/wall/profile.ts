/** The kernel's wall around one instance. Pure: paths in, arguments out. */
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

/**
 * What makes the wall. `bwrap`: bubblewrap makes the namespaces, and `unshare` mounts the folder in memory. `bwrap-plain`:
 * bubblewrap alone, for systems on which only it may make namespaces; the kernel then follows links in the folder.
 * `unshare`: util-linux alone.
 */
export type WallKind = "bwrap" | "bwrap-plain" | "unshare";

export const WALL_KINDS: readonly WallKind[] = ["bwrap", "bwrap-plain", "unshare"];

export interface Profile {
  readonly kind: WallKind;
  readonly tools: Tools;
  /** Skiff runs as root: instances get users of their own. Otherwise they keep its user, in a user namespace. */
  readonly isRoot: boolean;
  /** Programs and libraries that exist inside at the path that they have outside. */
  readonly files: readonly string[];
  /** Files of the system that programs read where they exist. */
  readonly system: readonly string[];
  /** Paths on this machine; `insideFiles` returns those inside. */
  readonly runtime: RuntimeFiles;
}

/** Resources of one sandbox. */
export interface Place {
  /** Host folder that is read-only inside; it can be filled later. */
  readonly code: string;
  /** Empty host folders to mount on. The mounts exist inside only. */
  readonly work: string;
  readonly root: string;
  readonly workBytes: number;
  readonly user: number;
  readonly network: PlaceNetwork;
}

export interface PlaceNetwork {
  /** `own`: an empty network. `outer`: the network of the command, which `enter` may change. */
  readonly namespace: "own" | "outer";
  /** Arguments in front of the command. */
  readonly enter: readonly string[];
  /** Host file for /etc/resolv.conf inside; by default that of the machine. */
  readonly resolvConf?: string;
}

/** Paths inside. */
export const INSIDE = {
  code: "/skiff/code",
  artifact: "/skiff/code/bundle.mjs",
  start: "/skiff/code/start.sh",
  /** The folder in memory, with the socket, `scratch` and the folder that is mounted on /dev/shm. */
  work: "/work",
  socket: "/work/sock",
  scratch: "/work/scratch",
  /** Where the runtime keeps compiled code. */
  cache: `/work/${CACHE_FOLDER}`,
} as const;

/** Returns the paths of a runtime's files inside. */
export function insideFiles({ binary, program }: RuntimeFiles): RuntimeFiles {
  return { binary: `/skiff/${basename(binary)}`, program: `/skiff/${basename(program)}` };
}

/** Printed by a sandbox that waits. */
export const WAITING = "waiting";
/** Waits inside for a line of input, then runs start.sh. The input ends with Skiff. */
const WAIT = `echo ${WAITING}; read -r go || exit 0; . ${INSIDE.start}`;
/** Each file and folder takes an inode, whose memory the size of the folder does not count. */
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
  const spec: SandboxSpec = {
    ...{ tools, user, root, env: {}, cwd: "/", write: {} },
    namespaces: [
      ...(["pid", "ipc", "uts"] as const),
      ...(network.namespace === "own" ? (["net"] as const) : []),
      ...(isRoot ? [] : (["user"] as const)),
    ],
    read: { ...same(files), [binary]: runtime.binary, [program]: runtime.program, [INSIDE.code]: code },
    readIfThere: { "/etc/resolv.conf": resolvConf, ...same(system) },
  };
  if (kind !== "bwrap-plain") {
    const write = { [INSIDE.work]: work, "/dev/shm": `${work}/shm` };
    return { ...spec, write, prepare: mountWork(profile, place) };
  }
  // With users of their own for instances, the folder belongs to root and is open to all: only the instance is inside.
  const mode = isRoot ? "0777" : "0700";
  return { ...spec, memory: { to: INSIDE.work, folders: [INSIDE.scratch], bytes: workBytes, mode } };
}

function same(paths: readonly string[]): Paths {
  return Object.fromEntries(paths.map((path) => [path, path]));
}

/** Mounts the only writable folder: in memory, of limited size, in which the kernel follows no link (`nosymfollow`). */
function mountWork({ tools, isRoot }: Profile, { work, workBytes, user }: Place): string {
  const owner = isRoot ? `,uid=${user},gid=${user}` : "";
  const inodes = Math.ceil(workBytes / BYTES_PER_INODE);
  const options = `size=${workBytes},nr_inodes=${inodes},mode=0700${owner},nosuid,nodev,nosymfollow`;
  const folders = `${quote(`${work}/scratch`)} ${quote(`${work}/shm`)}`;
  return [
    `${toolPath(tools, "mount")} -t tmpfs -o ${options} work ${quote(work)}`,
    `${toolPath(tools, "mkdir")} -m 700 ${folders}`,
    ...(isRoot ? [`${toolPath(tools, "chown")} ${user}:${user} ${folders}`] : []),
  ].join("; ");
}

/**
 * Returns the script that turns a waiting sandbox into an instance. It fixes the command before it sets variables, because
 * a variable may have a name that the shell itself uses.
 * @throws Error if the name of a variable is not valid
 */
export function startScript(plan: Pick<LaunchPlan, "command" | "env">, limits: ResourceLimits): string {
  const command = `set -- ${plan.command.map(quote).join(" ")}`;
  const lines = [`cd ${INSIDE.scratch}`, limitCommands(limits), command, ...exportLines(plan.env)];
  return `${[...lines, 'exec "$@"'].join("\n")}\n`;
}
