import { dirname } from "node:path";
import type { ProgramLaunch } from "../../client-image/project/project-pack.ts";
import { modeOf, type StartSettings } from "../../platform/settings/runtime.ts";
import type { Settings } from "../../platform/settings/settings.ts";
import type { LaunchPaths, LaunchPlan, LaunchPlanner, PlanOrder } from "../runtime.ts";
import { type HostOrder, OUT_OF_MEMORY_LINE, type ProgramMessage } from "./host/program-message.ts";
import { PROGRAM_FOLDERS } from "./program-path.ts";

/** @param host path of the compiled program host */
export function programPlanner(host: string): LaunchPlanner {
  return { files: { binary: process.execPath, program: host }, plan: planLaunch };
}

function planLaunch(order: PlanOrder, paths: LaunchPaths): LaunchPlan {
  const { name, version, settings } = order;
  const { files, artifact, socket, scratch, ownsProcesses = false } = paths;
  const program = artifact.project?.program;
  if (program === undefined) throw new Error(`version ${version} of "${name}" is no program`);
  const place = { cwd: artifact.path, socket, port: 0, ownsProcesses };
  return planHost(order, {
    command: [files.binary, files.program],
    cwd: artifact.path,
    env: { ...programVariables(files.binary, scratch), ...handlerVariables(settings), ...settings.env },
    socket,
    host: hostOrder(program, settings, place),
  });
}

export interface HostPlan extends Pick<LaunchPlan, "command" | "env"> {
  readonly cwd: string;
  /** Unix socket on which the host has to listen. */
  readonly socket: string;
  readonly host: HostOrder;
}

/** Plans the launch of the program host. Pure. */
export function planHost(order: PlanOrder, { command, cwd, env, socket, host }: HostPlan): LaunchPlan {
  const { name, version, settings, secrets, nonce } = order;
  const message: ProgramMessage = {
    nonce,
    listen: { unix: socket },
    function: { name, version },
    concurrency: settings.isolation === "call" ? 1 : settings.concurrency,
    env: [...Object.keys(env), ...Object.keys(settings.secrets)],
    ...(secrets === undefined ? {} : { secrets }),
    ...(settings.isolation === "call" ? { isOnce: true } : {}),
    host,
  };
  return {
    ...{ command, cwd, env },
    input: JSON.stringify(message),
    listeningLine: `${nonce} listening`,
    readyLine: `${nonce} ready`,
    spentLine: `${nonce} spent`,
    outOfMemory: OUT_OF_MEMORY_LINE,
    ping: "alive",
    pongLine: `${nonce} alive`,
  };
}

/** Returns the variables that every program has, besides those of its function. */
export function programVariables(
  node: string,
  scratch: string | undefined,
): Readonly<Record<string, string>> {
  return {
    PATH: [...PROGRAM_FOLDERS, dirname(node)].join(":"),
    LANG: "C.UTF-8",
    ...(scratch === undefined ? {} : { HOME: scratch, TMPDIR: scratch }),
  };
}

/** Returns the variables that Kubeless gave handlers; the adapters read them. */
export function handlerVariables({
  program: { handler },
  timeoutMs,
  memoryMiB,
}: Pick<Settings, "program" | "timeoutMs" | "memoryMiB">): Readonly<Record<string, string>> {
  if (handler === undefined) return {};
  const dot = handler.lastIndexOf(".");
  return {
    MOD_NAME: handler.slice(0, dot),
    FUNC_HANDLER: handler.slice(dot + 1),
    FUNC_TIMEOUT: String(timeoutMs / 1_000),
    FUNC_MEMORY_LIMIT: `${memoryMiB}Mi`,
  };
}

export interface ProgramPlace {
  readonly cwd: string;
  /** For a program that serves: the port that it gets; 0: the host chooses a free one. */
  readonly port: number;
  /** For a program that serves: the socket that it may listen on instead. */
  readonly socket?: string;
  readonly ownsProcesses: boolean;
}

/** Says how the program host runs the program of a function. */
export function hostOrder(
  { command }: Pick<ProgramLaunch, "command">,
  settings: Pick<StartSettings, "runtime" | "program"> & Pick<Settings, "timeoutMs">,
  { cwd, port, socket, ownsProcesses }: ProgramPlace,
): HostOrder {
  if (modeOf(settings) === "serve") {
    return { mode: "serve", command, cwd, port, ...(socket === undefined ? {} : { socket }) };
  }
  const { program, timeoutMs } = settings;
  return { mode: "call", command, cwd, cgi: program.cgi ?? false, timeoutMs, ownsProcesses };
}
