import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { networkEnvironment } from "../network-environment.ts";
import { Command, type CommandResult } from "./command.ts";
import { CommandInProcess, type InProcessOptions } from "./command-in-process.ts";

export const PROGRAM = fileURLToPath(new URL("../../../bin/skiff.js", import.meta.url));

export interface CommandOptions extends InProcessOptions {
  /** Options of Node. */
  readonly node?: readonly string[];
}

/** The command `skiff`, as a process for each command line, with a home and a working folder of its own. */
export class CommandLine extends Command<CommandOptions> {
  readonly folder = mkdtempSync(join(tmpdir(), "skiff-cli-"));
  readonly #env: Readonly<Record<string, string>>;
  readonly #running = new Set<RunningCommand>();

  constructor(env: Readonly<Record<string, string>> = {}) {
    super();
    this.#env = { ...networkEnvironment(), HOME: this.folder, ...env };
  }

  /** The same command in this process, which takes a tenth of the time. For tests that need no process of their own. */
  get inProcess(): CommandInProcess {
    return new CommandInProcess(this.folder, this.#env);
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const command = this.start(args, options);
    await command.ended();
    return command.result;
  }

  start(args: readonly string[], { input, env = {}, node = [] }: CommandOptions = {}): RunningCommand {
    const child = spawn(process.execPath, [...node, PROGRAM, ...args], {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const command = new RunningCommand(child);
    this.#running.add(command);
    return command;
  }

  /** Ends what still runs, and removes the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((command) => command.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class RunningCommand {
  readonly #child: ChildProcess;
  readonly #closed: Promise<number | null>;
  #stdout = "";
  #stderr = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = new Promise((resolve) => child.once("close", resolve));
    child.stdout!.on("data", (chunk: Buffer) => {
      this.#stdout += chunk;
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      this.#stderr += chunk;
    });
  }

  get result(): CommandResult {
    return { code: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code when everything that it printed is there. */
  ended(): Promise<number | null> {
    return this.#closed;
  }

  /** Waits until something is printed. Returns the match. */
  async printed(pattern: RegExp, withinMs = 20_000): Promise<RegExpExecArray> {
    const found = () => pattern.exec(this.#stdout + this.#stderr);
    const isThere = () => {
      if (found() !== null) return true;
      if (this.#child.exitCode === null && this.#child.signalCode === null) return false;
      throw new Error(`it ended without ${pattern}:\n${this.#stdout}${this.#stderr}`);
    };
    await eventually(`${pattern} is printed`, isThere, withinMs).catch((error: Error) => {
      throw new Error(`${error.message}:\n${this.#stdout}${this.#stderr}`);
    });
    return found()!;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
