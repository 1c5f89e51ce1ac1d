import { delimiter } from "node:path";

/** Where git may read and write besides the repository. */
export interface GitPaths {
  /** An empty folder: git reads configuration of the user in its home, and runs what is in a folder of hooks. */
  readonly empty: string;
  /** The search path for the programs of git. */
  readonly path: string;
}

export interface GitBounds {
  /** Most bytes of a pack that a push sends. */
  readonly pushBytes: number;
}

/** Blobs over this size are streamed instead of held in memory, and never compared with others. */
const BIG_FILE = "1m";

/** What holds for every command. Nothing else configures git: neither the machine, nor the user, nor the repository. */
function configuration({ empty }: GitPaths, { pushBytes }: GitBounds): Record<string, string> {
  return {
    "core.hooksPath": empty,
    "core.bigFileThreshold": BIG_FILE,
    "core.packedGitWindowSize": "16m",
    "core.packedGitLimit": "128m",
    "core.deltaBaseCacheLimit": "16m",
    "core.fsync": "committed,reference",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "gc.auto": "0",
    "maintenance.auto": "false",
    // The folder may belong to the user of another container.
    "safe.directory": "*",
    "advice.objectNameWarning": "false",
    "http.receivepack": "true",
    "http.uploadpack": "true",
    "http.getanyfile": "false",
    "http.uploadarchive": "false",
    "receive.fsckObjects": "true",
    "receive.maxInputSize": String(pushBytes),
    // Always a pack: one file to keep, whatever the push.
    "receive.unpackLimit": "1",
    "fastimport.unpackLimit": "1",
    "receive.autogc": "false",
    "receive.advertisePushOptions": "true",
    "receive.advertiseAtomic": "true",
    "receive.shallowUpdate": "false",
    "receive.denyCurrentBranch": "ignore",
    "receive.denyDeleteCurrent": "ignore",
    "receive.updateServerInfo": "false",
    // Only Skiff reads these.
    "transfer.hideRefs": "refs/skiff",
    "uploadpack.allowFilter": "true",
    "protocol.version": "2",
  };
}

/** All variables of a command of git. */
export function gitEnvironment(
  paths: GitPaths,
  bounds: GitBounds,
  config: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const entries = Object.entries({ ...configuration(paths, bounds), ...config });
  const pairs = entries.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    PATH: paths.path,
    HOME: paths.empty,
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    // Nothing is fetched on the side: mirrors name what they need.
    GIT_ALLOW_PROTOCOL: "",
    GIT_CONFIG_COUNT: String(entries.length),
    ...Object.fromEntries(pairs),
  };
}

/** Also the folders in which systems keep git. */
export function searchPath(path: string | undefined): string {
  const folders = (path ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  return [...new Set([...folders, "/usr/local/bin", "/usr/bin", "/bin"])].join(delimiter);
}
