import type { ChildProcess } from "node:child_process";
import type { Settings } from "../../settings.ts";
import type { InstanceFolder } from "../instances/instance-folder.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";

/** Shells and bubblewrap tell a signal by an exit code above this. */
const FIRST_SIGNAL_EXIT = 128;

/** What an instance is started from. */
export interface LaunchOrder {
  readonly settings: Settings;
  /** The bundle's file. */
  readonly bundle: string;
  readonly ownAddresses: readonly string[];
}

/** A program that was started, whatever stands around it. */
export interface Launched {
  readonly folder: InstanceFolder;
  readonly child: ChildProcess;
  /** The program itself, for signals and for measuring; 0 if it could not be started. */
  readonly pid: number;
  /** Paths as the program sees them. */
  readonly inside: { readonly bundle: string; readonly socket: string; readonly scratch?: string };
  /** Measures and limits it: its processes are counted already. */
  readonly resources: InstanceResources;
  /** Writes what the program reads first. */
  begin(input: string): void;
  /** Makes `folder.socket` lead to the program, which listens by now. @throws Error if it does not */
  expose(): void;
  /** After its end: lets go of what was held for it. */
  close(): Promise<void>;
}

export interface Launcher {
  launch(order: LaunchOrder): Promise<Launched>;
  close(): Promise<void>;
}

/** What every process of Deno here needs, whatever it runs. */
export interface Program {
  readonly deno: string;
  /** The compiled client-image/runtime.ts. */
  readonly runtime: string;
  /** Deno's own cache: code of the runtime, never data of a function. */
  readonly denoDir: string;
}

/** The environment of Deno itself, which is all of it. */
export function denoEnvironment(
  settings: Settings,
  { scratch, denoDir }: { scratch?: string; denoDir: string },
): Record<string, string> {
  return {
    NO_COLOR: "1",
    ...settings.env,
    ...(scratch === undefined ? {} : { TMPDIR: scratch }),
    DENO_DIR: denoDir,
    DENO_NO_UPDATE_CHECK: "1",
    // Deno hands out the GPU without a permission, and loads native code for it.
    DENO_WEBGPU_BACKEND: "none",
    // Deno does not see that ::ffff:10.0.0.1, which a name may resolve to, is 10.0.0.1, and takes no IPv6
    // ranges: so names are resolved to IPv4 addresses only (glibc 2.36 and newer).
    RES_OPTIONS: "no-aaaa",
  };
}

/** How a program ended, of which the tools around it tell only an exit code, as shells do. */
export function endOf(code: number | null, signal: NodeJS.Signals | null, names: NodeJS.Dict<number>): End {
  if (signal !== null || code === null || code <= FIRST_SIGNAL_EXIT) return { code, signal };
  const name = Object.keys(names).find((each) => names[each] === code - FIRST_SIGNAL_EXIT);
  return name === undefined ? { code, signal } : { code: null, signal: name as NodeJS.Signals };
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
