import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine, EngineInfo } from "./engine.ts";

/** Podman's own filter, the operator's first. It allows what needs a capability that a namespace of one's own gives. */
const PROFILES = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];
/** Calls that make namespaces or need the rights in one, and those that look into other processes. */
const REFUSED: ReadonlySet<string> = new Set(
  "clone clone3 unshare setns mount umount umount2 pivot_root move_mount open_tree fsopen fsmount fsconfig fspick mount_setattr keyctl add_key request_key ptrace bpf perf_event_open userfaultfd".split(
    " ",
  ),
);
/** CLONE_NEW… */
const NAMESPACE_FLAGS = 0x7e020000;
const ENOSYS = 38;

interface Rule {
  readonly names: readonly string[];
}

export interface CallFilter {
  readonly syscalls: readonly Rule[];
}

/** Returns a filter that refuses new namespaces. Threads and processes without them are allowed as before. */
export function withoutNamespaces<T extends CallFilter>(filter: T): T {
  const kept = filter.syscalls.map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => !REFUSED.has(name)),
  }));
  const masked = { index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" };
  return {
    ...filter,
    syscalls: [
      ...kept.filter(({ names }) => names.length > 0),
      { names: ["clone"], action: "SCMP_ACT_ALLOW", args: [masked] },
      // Its flags are in memory, which no filter sees. Libraries use `clone` then.
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
    ],
  };
}

/** The filter for the containers of an engine, written with the first of them. */
export class CallFilters {
  readonly #folder: string;
  #path: Promise<string | undefined> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns its path; undefined for other engines than Podman, which have none by a path. */
  for(engine: Pick<Engine, "info">): Promise<string | undefined> {
    const write = ({ name }: EngineInfo) => (name === "podman" ? writeFilter(this.#folder) : undefined);
    this.#path ??= engine.info().then(write);
    this.#path.catch(() => {
      this.#path = undefined;
    });
    return this.#path;
  }
}

/** Writes the filter for Podman into a folder and returns its path; undefined if Podman's own one is not found. */
export function writeFilter(folder: string): string | undefined {
  const profile = PROFILES.find((path) => existsSync(path));
  if (profile === undefined) return undefined;
  const filter = withoutNamespaces(JSON.parse(readFileSync(profile, "utf8")) as CallFilter);
  const path = join(folder, "seccomp.json");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileSync(path, JSON.stringify(filter), { mode: 0o644 });
  return path;
}
