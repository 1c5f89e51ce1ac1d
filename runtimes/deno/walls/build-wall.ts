import {
  bwrapCommand,
  limitedCommand,
  type Paths,
  type ResourceLimits,
  type SandboxSpec,
  unshareCommand,
} from "../../../process/sandbox/command.ts";
import { toolPath } from "../../../process/sandbox/tools.ts";

/** How a process of a build is walled in: by bubblewrap, by util-linux, or not at all. */
export type WallKind = "bwrap" | "unshare" | "none";

/** What a process of a build sees of the machine. */
export interface WallProfile extends Pick<SandboxSpec, "tools" | "root" | "env" | "cwd"> {
  readonly readable: Paths;
  readonly writable: Paths;
  /** Whether it keeps the network of the machine. */
  readonly network: boolean;
  readonly limits: ResourceLimits;
}

/** Nobody, as most systems have it. */
const USER = 65_534;
/** Libraries of the system. Mostly the last two are links to the first two. */
const LIBRARIES = ["/usr/lib", "/usr/lib64", "/lib", "/lib64"];

/**
 * The command that runs `program` behind the wall. Paths in `program` are those inside; without a wall there is no
 * inside, and the caller gives those of the machine. What is readable and does not exist is left out.
 * @throws Error if a tool that the wall needs is not installed
 */
export function walledCommand(kind: WallKind, profile: WallProfile, program: readonly string[]): string[] {
  const { readable, writable, network, limits, ...rest } = profile;
  if (kind === "none") return limitedCommand(limits, program);
  const setpriv = toolPath(profile.tools, "setpriv");
  const spec: SandboxSpec = {
    ...rest,
    namespaces: ["pid", "ipc", "uts", "cgroup", "user", ...(network ? [] : (["net"] as const))],
    user: USER,
    read: { [setpriv]: setpriv },
    readIfThere: { ...Object.fromEntries(LIBRARIES.map((path) => [path, path])), ...readable },
    write: writable,
  };
  return limitedCommand(limits, (kind === "bwrap" ? bwrapCommand : unshareCommand)(spec, program));
}
