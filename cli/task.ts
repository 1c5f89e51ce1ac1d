import type { Command } from "commander";
import { Api } from "./api/api.ts";
import { suggestName } from "./api/suggest-name.ts";
import { readContexts } from "./context/context-file.ts";
import { choosePlace, type PlaceOptions } from "./context/places.ts";
import { Output } from "./output/output.ts";

/** What the commands need of the program that runs them. */
export interface Host {
  /** Path of the command `skiff`, for programs that run it; absent if it is in `PATH`. */
  readonly command?: string;
  /** Path of the program that serves on one machine. */
  readonly program: string;
  /** Serves in this process until a signal stops it, with the arguments of the command line. Returns the exit code. */
  readonly serve: (args: readonly string[]) => Promise<number>;
}

/** The surroundings of a command line. */
export interface Surroundings {
  readonly host: Host;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that paths are relative to. */
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface GlobalOptions extends PlaceOptions {
  readonly json?: boolean;
}

/** One command that runs: its options, its Skiff and its output. */
export class Task<O = object> {
  readonly options: O & GlobalOptions;
  readonly surroundings: Surroundings;
  readonly out: Output;
  #api: Api | undefined;

  constructor(surroundings: Surroundings, options: O & GlobalOptions) {
    const { stdout, stderr } = surroundings;
    this.surroundings = surroundings;
    this.options = options;
    this.out = new Output({ json: options.json === true, stdout, stderr });
  }

  /** The Skiff that the command line chooses. @throws UsageError */
  get api(): Api {
    const { env } = this.surroundings;
    this.#api ??= new Api(choosePlace(readContexts(env), this.options, env));
    return this.#api;
  }
}

/** Ends a command that has printed what it had to say. */
export class Ended extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Returns the action of a command. Its arguments follow the task. It may return, or promise, an exit code. */
export function action<O, A extends readonly unknown[]>(
  surroundings: Surroundings,
  run: (task: Task<O>, ...args: A) => unknown,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const task = new Task<O>(surroundings, command.optsWithGlobals<O & GlobalOptions>());
    const args = given.slice(0, -2) as unknown as A;
    const code = await Promise.resolve(run(task, ...args)).catch((error) =>
      suggestName(error, () => task.api),
    );
    if (typeof code === "number" && code !== 0) throw new Ended(code);
  };
}
