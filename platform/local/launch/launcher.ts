import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import type { LaunchPaths, LaunchPlan, LaunchPlanner, PlanOrder } from "../../../runtimes/runtime.ts";
import type { InstanceFolder } from "../instances/instance-folder.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";
import type { ArtifactFile } from "../store/bundle-files.ts";

/** Shells and bubblewrap report a signal as an exit code above this value. */
const FIRST_SIGNAL_EXIT = 128;

export interface LaunchOrder extends Omit<PlanOrder, "nonce"> {
  readonly artifact: ArtifactFile;
}

/** What a `ChildProcess` and a container have in common. */
export interface LaunchedChild {
  /** Absent if no process of this machine has to be recorded for the case that Skiff crashes. */
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  kill(signal: "SIGKILL"): unknown;
  once(event: "error", listener: (error: Error) => void): unknown;
  once(
    event: "exit" | "close",
    listener: (code: number | null, signal: NodeJS.Signals | null) => void,
  ): unknown;
}

/** A launched program with its folder and resources. */
export interface Launched {
  readonly folder: InstanceFolder;
  readonly child: LaunchedChild;
  /** The program itself, for signals and measuring; 0 if it could not be started. */
  readonly pid: number;
  readonly plan: LaunchPlan;
  readonly resources: InstanceResources;
  /** Writes the input of the plan, which starts the program. */
  begin(): void;
  /** Connects `folder.socket` with the socket of the program. @throws Error if the program does not listen */
  expose(): void;
  /** Called once the program is ready. */
  loaded(): void;
  /** Ends it and removes its resources and files. Returns lines for the log about data that is left. */
  close(): Promise<readonly string[]>;
}

/** The launch order of a module that is still being built. */
export type EarlyOrder = Pick<LaunchOrder, "settings" | "ownAddresses">;

export interface Launcher {
  launch(order: LaunchOrder): Promise<Launched>;
  /** Starts the program of a module before its artifact exists, if the launcher can. The next launch may use it. */
  startEarly(order: EarlyOrder): void;
  close(): Promise<void>;
}

export function planFor(planner: LaunchPlanner, order: LaunchOrder, paths: LaunchPaths): LaunchPlan {
  return planner.plan({ ...order, nonce: randomBytes(16).toString("hex") }, paths);
}

/** Decodes the end of a program. The tools around it report a signal as an exit code, as shells do. */
export function endOf(code: number | null, signal: NodeJS.Signals | null, names: NodeJS.Dict<number>) {
  if (signal !== null || code === null || code <= FIRST_SIGNAL_EXIT) return { code, signal };
  const name = Object.keys(names).find((each) => names[each] === code - FIRST_SIGNAL_EXIT);
  return name === undefined ? { code, signal } : { code: null, signal: name as NodeJS.Signals };
}
