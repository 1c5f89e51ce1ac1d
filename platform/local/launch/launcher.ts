import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { LaunchPaths, LaunchPlan, LaunchPlanner, PlanOrder } from "../../../runtimes/runtime.ts";
import type { InstanceFolder } from "../instances/instance-folder.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";

/** Shells and bubblewrap report a signal as an exit code above this. */
const FIRST_SIGNAL_EXIT = 128;

/** What to launch. */
export interface LaunchOrder extends Omit<PlanOrder, "nonce"> {
  /** The file of the artifact. */
  readonly artifact: string;
}

/** A program that was started, and all that stands around it. */
export interface Launched {
  readonly folder: InstanceFolder;
  readonly child: ChildProcess;
  /** The program itself, for signals and for measuring; 0 if it could not be started. */
  readonly pid: number;
  readonly plan: LaunchPlan;
  /** Measures and limits it, and counts its processes already. */
  readonly resources: InstanceResources;
  /** Lets the program begin, with the input of the plan. */
  begin(): void;
  /** Makes `folder.socket` lead to the program, which listens by now. @throws Error if it does not */
  expose(): void;
  /** Ends it, releases all that it had and removes its folder. Returns what is left and why, for the log. */
  close(): Promise<readonly string[]>;
}

/** Carries plans out. */
export interface Launcher {
  launch(order: LaunchOrder): Promise<Launched>;
  close(): Promise<void>;
}

export function planFor(planner: LaunchPlanner, order: LaunchOrder, paths: LaunchPaths): LaunchPlan {
  return planner.plan({ ...order, nonce: randomBytes(16).toString("hex") }, paths);
}

/** Decodes the end of a program: the tools around it report a signal as an exit code, as shells do. */
export function endOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  names: NodeJS.Dict<number>,
): { code: number | null; signal: NodeJS.Signals | null } {
  if (signal !== null || code === null || code <= FIRST_SIGNAL_EXIT) return { code, signal };
  const name = Object.keys(names).find((each) => names[each] === code - FIRST_SIGNAL_EXIT);
  return name === undefined ? { code, signal } : { code: null, signal: name as NodeJS.Signals };
}
