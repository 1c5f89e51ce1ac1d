import { constants, statSync } from "node:fs";
import { join, normalize } from "node:path";
import type { Readable } from "node:stream";
import { canAccess } from "../../../process/sandbox/tools.ts";
import type { CommandEnd, CommandOrder, Commands, RunningCommand } from "../../images/commands.ts";
import { checkHostOrder } from "../../images/host-order.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { recordPid } from "../instances/instance-folder.ts";
import { LaunchError } from "../instances/launch-error.ts";
import { writeScript } from "../launch/walled-launcher.ts";
import { SYSTEM_FOLDERS } from "../programs/wide-files.ts";
import { INSIDE, startScript } from "../wall/profile.ts";
import type { Prepared, Sandboxes } from "../wall/sandboxes.ts";
import { Outflow } from "./outflow.ts";

/** Where a command looks for its program. */
const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/** Other folders of the sandbox with files that can be executed. */
const INSIDE_FOLDERS = ["/skiff", "/proc", "/etc"];
/** Pause between two measurements of the memory. */
const MEASURE_MS = 100;
const OPEN_FILES = 1_024;

export interface HostCommandsOptions {
  /** Sandboxes for programs, without a network. @throws Problem `no_sandbox` with the reason */
  readonly sandboxes: () => Promise<Sandboxes>;
  readonly limits: Pick<Limits, "scratchBytes" | "processes">;
  /** Receives each line for Skiff's own log. */
  readonly print: (text: string) => void;
}

/** Runs commands of this machine in the sandbox for programs. */
export class HostCommands implements Commands {
  readonly #options: HostCommandsOptions;

  constructor(options: HostCommandsOptions) {
    this.#options = options;
  }

  async run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    signal.throwIfAborted();
    checkHostOrder(order);
    checkProgram(order.command[0]!);
    const sandboxes = await this.#options.sandboxes();
    let prepared: Prepared | undefined;
    try {
      prepared = await sandboxes.take([]);
      signal.throwIfAborted();
      return this.#start(sandboxes, prepared, { order, signal });
    } catch (error) {
      if (prepared !== undefined) await this.#discard(sandboxes, prepared);
      if (!(error instanceof LaunchError)) throw error;
      throw new Problem("start_failed", `The sandbox of the command cannot be made: ${error.message}.`);
    }
  }

  /** Nothing: a sandbox ends with Skiff, and the next start removes its folder. */
  async sweep(): Promise<number> {
    return 0;
  }

  #start(
    sandboxes: Sandboxes,
    prepared: Prepared,
    { order, signal }: { readonly order: CommandOrder; readonly signal: AbortSignal },
  ): RunningCommand {
    const { sandbox, folder, resources } = prepared;
    // Its end would not be told again.
    if (sandbox.isEnded) throw new LaunchError("it ended while it waited");
    const { scratchBytes, processes } = this.#options.limits;
    const limits = { fileKiB: Math.ceil(scratchBytes / 1024), openFiles: OPEN_FILES, processes };
    const env = { ...variables(), ...order.env };
    writeScript(folder.code, startScript({ command: order.command, env }, limits));
    recordPid(folder, sandbox.child.pid!);
    resources.limit(order.memoryMiB);
    const { child } = sandbox;
    const [output, errors] = [new Outflow(child.stdout!), new Outflow(child.stderr!)];
    let because: CommandEnd["because"];
    const end = (reason: CommandEnd["because"]) => {
      because ??= reason;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => end("timeout"), order.timeoutMs);
    const abort = () => end("aborted");
    signal.addEventListener("abort", abort, { once: true });
    const measuring = setInterval(() => {
      if ((resources.measure() ?? 0) > order.memoryMiB) end("out_of_memory");
    }, MEASURE_MS);
    const startedAtMs = performance.now();
    const exited = new Promise<Pick<CommandEnd, "exitCode" | "durationMs">>((resolve) => {
      child.once("exit", (code) => {
        output.readRest();
        errors.readRest();
        if (because === undefined && code !== 0 && resources.ranOut) because = "out_of_memory";
        const durationMs = performance.now() - startedAtMs;
        // 128 and the number of a signal, also from the sandbox.
        resolve({ exitCode: because === undefined ? (code ?? 137) : undefined, durationMs });
      });
    });
    sandbox.begin("");
    if (signal.aborted) abort();
    give(order.input, child.stdin!);
    const ended = async (): Promise<CommandEnd> => {
      const exit = await exited;
      clearTimeout(timer);
      clearInterval(measuring);
      signal.removeEventListener("abort", abort);
      await this.#discard(sandboxes, prepared);
      return { ...exit, because };
    };
    return { output: output.readable, errors: errors.readable, ended: ended() };
  }

  /** What cannot be removed is left to the next start. */
  async #discard(sandboxes: Sandboxes, prepared: Prepared): Promise<void> {
    for (const line of await sandboxes.discard(prepared)) this.#options.print(line);
  }
}

function variables(): Readonly<Record<string, string>> {
  return { PATH: FOLDERS.join(":"), HOME: INSIDE.scratch, TMPDIR: INSIDE.scratch, LANG: "C.UTF-8" };
}

/**
 * Looks for a program before the sandbox starts, in the system folders alone: nobody is to learn which other files the
 * machine has.
 * @throws Problem `command_not_found`
 */
function checkProgram(program: string): void {
  const isPath = program.includes("/");
  const paths = isPath ? [normalize(program)] : FOLDERS.map((folder) => join(folder, program));
  const isKnown = (path: string) =>
    isBelow(path, SYSTEM_FOLDERS) ? isProgram(path) : isBelow(path, INSIDE_FOLDERS);
  if (paths.some(isKnown)) return;
  const where = isPath ? "" : ` in ${FOLDERS.join(", ")}`;
  const detail = `The sandbox of this machine has no program ${JSON.stringify(program)}${where}: correct the command, or install it.`;
  throw new Problem("command_not_found", detail, { setting: "cmd" });
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

function isProgram(path: string): boolean {
  return canAccess(path, constants.X_OK) && statSync(path).isFile();
}

function give(input: Readable | undefined, to: NodeJS.WritableStream & { destroyed?: boolean }): void {
  if (input === undefined) {
    to.end();
    return;
  }
  input.on("error", () => to.end());
  input.pipe(to);
}
