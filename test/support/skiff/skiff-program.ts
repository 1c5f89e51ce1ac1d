import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { networkEnvironment } from "../network-environment.ts";

const PROGRAM = fileURLToPath(new URL("../../../skiff.ts", import.meta.url));

/** On a machine that is busy with other tests. */
const START_MS = 30_000;

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Shell command that comes first, such as `ulimit -n 100`; its effects are the program's. */
  readonly before?: string;
  /** A program and its arguments that run the shell. */
  readonly wrapper?: readonly string[];
  /** Modules that are loaded before the program. */
  readonly preloads?: readonly string[];
}

/** `npm start` as a process of its own, in a process group of its own as a terminal would make it. */
export class SkiffProgram {
  /** Everything that it printed, errors included. */
  output = "";
  readonly #child: ChildProcess;

  constructor(dataFolder: string, options: ProgramOptions = {}) {
    const { args = [], env = {}, before = ":", wrapper = [], preloads = [] } = options;
    const imports = preloads.map((module) => `--import=${module}`);
    const program = [process.execPath, ...imports, PROGRAM, "--port", "0", "--data", dataFolder, ...args];
    const [first, ...rest] = [...wrapper, "sh", "-c", `${before} && exec "$@"`, "sh", ...program];
    this.#child = spawn(first!, rest, {
      env: { ...networkEnvironment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.output += chunk;
      });
    }
  }

  /** Where it listens. */
  async url(): Promise<string> {
    const isListening = () => {
      if (this.#child.exitCode !== null) throw new Error(`Skiff ended:\n${this.output}`);
      return /listens on http:/.test(this.output);
    };
    await eventually("Skiff listens", isListening, START_MS);
    return /listens on (http:\S+)/.exec(this.output)![1]!;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Goes away as whoever reads what it prints, for good. */
  stopReading(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  /** Sends a signal to it alone, not to its instances. */
  signalAlone(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal to everything in its process group, as Ctrl-C does. */
  signal(signal: NodeJS.Signals): void {
    process.kill(-this.#child.pid!, signal);
  }

  /** The code or the signal that it ended with. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  /** Ends it if it still runs. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await this.ended();
  }
}
