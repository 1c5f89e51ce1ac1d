import { Problem } from "../../../platform/problems.ts";
import type { ChosenStart } from "../../start-order.ts";
import { isExecutableContent, type Need, needOfCommand, needsOfFile } from "./needs.ts";

export interface ProgramFiles {
  /** Contents by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Contents of those that their archive marks as executable. */
  readonly marked: ReadonlySet<Uint8Array>;
  /** Architecture of the machine, as Node names it. */
  readonly arch: string;
}

export interface ProgramChoice {
  /** Program and arguments. A program that is a file of the source begins with `./`. */
  readonly command: readonly string[];
  /** Paths of the files that can be executed. */
  readonly executables: readonly string[];
  readonly needs: readonly Need[];
}

/** Name of a single posted file. */
export const SINGLE_FILE = "main";
/** The names of the executables fit into the launch of an artifact. */
const MOST_NAME_BYTES = 48 * 1024;

/**
 * Chooses what a program function runs: the command of the settings, or else the file `main`, or else the one file
 * `main.*` that has a `#!` line or an ELF header.
 * @throws Problem `invalid_source`, `invalid_setting`
 */
export function chooseCommand(
  program: ProgramFiles,
  { command }: Pick<ChosenStart, "command">,
): ProgramChoice {
  if (command !== undefined && command.length > 0) return commandOf(program, command);
  const main = findMain(program);
  const needs = needsOfFile(main, program.files.get(main)!, program.arch);
  return { command: [`./${main}`], executables: executablesOf(program, main), needs };
}

function commandOf(program: ProgramFiles, [first = "", ...rest]: readonly string[]): ProgramChoice {
  const path = first.startsWith("/") ? undefined : normalPath(first);
  const isOwn =
    first.startsWith("./") || (first.includes("/") && path !== undefined && program.files.has(path));
  if (!isOwn) {
    const needs = [needOfCommand(first, "command")];
    return { command: [first, ...rest], executables: executablesOf(program), needs };
  }
  const bytes = path === undefined ? undefined : program.files.get(path);
  if (path === undefined || bytes === undefined) throw notThere(first, program);
  const needs = needsOfFile(path, bytes, program.arch);
  return { command: [`./${path}`, ...rest], executables: executablesOf(program, path), needs };
}

/** Undefined for a path that leaves the source. */
function normalPath(path: string): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts.join("/");
}

function notThere(first: string, { files }: ProgramFiles): Problem {
  const known = [...files.keys()].slice(0, 10).join(", ");
  const detail = `command: ${JSON.stringify(first.slice(0, 80))} is not a file of the source, which has ${known}: name one of them, or an installed program without "./".`;
  return new Problem("invalid_setting", detail, { setting: "command" });
}

/** @throws Problem `invalid_source` if nothing says what to run */
function findMain({ files, marked }: ProgramFiles): string {
  if (files.has(SINGLE_FILE)) return SINGLE_FILE;
  const named = [...files.keys()].filter((path) => /^main\.[^/]+$/.test(path));
  const runs = named.filter((path) => {
    const bytes = files.get(path)!;
    return isExecutableContent(bytes) || marked.has(bytes);
  });
  if (runs.length === 1) return runs[0]!;
  const how =
    "add an executable file main, or say what to run, for example command=./run.sh or command=python3 ./app.py.";
  const why =
    runs.length > 1
      ? `${runs.join(" and ")} can all be run: keep one of them, or say which, for example command=./${runs[0]}.`
      : named.length > 0
        ? `${named[0]} has neither a first line with #! nor an ELF header: ${how}`
        : `There is no file main: ${how}`;
  throw new Problem("invalid_source", `The source does not say which program to run. ${why}`);
}

/** @param always runs, whatever its bytes and its mode are */
function executablesOf({ files, marked }: ProgramFiles, always?: string): string[] {
  const runs = [...files].filter(([path, bytes]) => path === always || isExecutableContent(bytes));
  const known = new Set(runs.map(([path]) => path));
  const more = [...files]
    .filter(([path, bytes]) => !known.has(path) && marked.has(bytes))
    .map(([path]) => path);
  // Some tools mark every file: then the contents decide.
  const all = [...known, ...more];
  if (fits(all)) return all;
  if (fits([...known])) return [...known];
  const detail = `The source has ${known.size} executable files, whose names together are longer than ${MOST_NAME_BYTES / 1024} KiB: leave out those that the function does not run.`;
  throw new Problem("invalid_source", detail);
}

function fits(paths: readonly string[]): boolean {
  return Buffer.byteLength(JSON.stringify(paths)) <= MOST_NAME_BYTES;
}
