import {
  bwrapCommand,
  limitedCommand,
  type Mount,
  type SandboxSpec,
  unshareCommand,
} from "../../../process/sandbox/command.ts";
import { type Tools, toolPath } from "../../../process/sandbox/tools.ts";

/** How a process of a build is walled in: by bubblewrap, by util-linux, or not at all. */
export type WallKind = "bwrap" | "unshare" | "none";

/** What a process of a build sees of the machine. */
export interface WallProfile {
  readonly tools: Tools;
  /** Files and folders that can be read, by their path inside; those that do not exist are left out. */
  readonly readable: Readonly<Record<string, string>>;
  /** Folders that can be written, by their path inside. */
  readonly writable: Readonly<Record<string, string>>;
  /** Whether it keeps the network of the machine. */
  readonly network: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Current folder, as a path inside. */
  readonly cwd: string;
  /** An empty folder of the machine that is not above any of the others. */
  readonly root: string;
  /** Most memory that the process and each of its children may map for writing. */
  readonly dataKiB: number;
  /** Longest file that it may write. */
  readonly fileKiB: number;
}

/** Nobody, as most systems have it. */
const USER = 65_534;
/** Libraries of the system; on most of them the last two are links to the first. */
const LIBRARIES = ["/usr/lib", "/usr/lib64", "/lib", "/lib64"];

/**
 * The command that runs `program` behind the wall. Paths in `program` are those inside; without a wall there is no
 * inside, and the caller gives those of the machine.
 * @throws Error if a tool that the wall needs is not installed
 */
export function walledCommand(
  kind: WallKind,
  { profile, program }: { profile: WallProfile; program: readonly string[] },
): string[] {
  if (kind === "none") return limitedCommand(profile, program);
  const make = kind === "bwrap" ? bwrapCommand : unshareCommand;
  return limitedCommand(profile, make(sandboxSpec(profile), program));
}

function sandboxSpec(profile: WallProfile): SandboxSpec {
  const { tools, readable, writable, network, root, env, cwd } = profile;
  const setpriv = toolPath(tools, "setpriv");
  const read = { ...Object.fromEntries([...LIBRARIES, setpriv].map((path) => [path, path])), ...readable };
  const mounts: Mount[] = [
    ...Object.entries(read).map(([to, from]) => ({ from, to, access: "read", isOptional: true }) as const),
    ...Object.entries(writable).map(([to, from]) => ({ from, to, access: "write" }) as const),
  ];
  const namespaces = ["pid", "ipc", "uts", "cgroup", "user", ...(network ? [] : (["net"] as const))] as const;
  return { tools, namespaces, user: USER, mounts, root, env, cwd };
}
