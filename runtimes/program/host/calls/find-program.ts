import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CallOrder } from "../program-message.ts";

/** Linux reads no more of the first line. */
const LINE_BYTES = 256;

/** Checks that the program of a command can be executed, and its interpreter. @throws Error with the reason */
export function findProgram(
  { command, cwd }: Pick<CallOrder, "command" | "cwd">,
  variables: NodeJS.ProcessEnv,
): void {
  const program = command[0] ?? "";
  const file = fileOf(program, cwd, variables);
  const [, interpreter, argument = ""] =
    /^#![ \t]*([^ \t]+)[ \t]*([^ \t]*)[ \t]*$/.exec(firstLine(file)) ?? [];
  if (interpreter === undefined) return;
  try {
    const found = fileOf(interpreter, cwd, variables);
    if (/\/env$/.test(found) && /^[^-=]+$/.test(argument)) fileOf(argument, cwd, variables);
  } catch (error) {
    throw new Error(`${program} has an interpreter that does not run here. ${(error as Error).message}`);
  }
}

/** @throws Error if there is no such program */
function fileOf(program: string, cwd: string, { PATH = "" }: NodeJS.ProcessEnv): string {
  if (program.includes("/")) {
    const file = resolve(cwd, program);
    const problem = problemOf(file);
    if (problem !== undefined) throw new Error(`The program ${program} ${problem}.`);
    return file;
  }
  const folders = PATH.split(":").filter((folder) => folder !== "");
  const found = folders.map((folder) => join(folder, program)).find((file) => problemOf(file) === undefined);
  if (found !== undefined) return found;
  throw new Error(`The program ${JSON.stringify(program)} is in no folder of PATH (${folders.join(":")}).`);
}

function firstLine(path: string): string {
  const bytes = Buffer.alloc(LINE_BYTES);
  const file = openReadable(path);
  if (file === undefined) return "";
  try {
    return bytes.toString("latin1", 0, readSync(file, bytes)).split("\n")[0]!;
  } finally {
    closeSync(file);
  }
}

/** Undefined for a program that can be executed and not read. */
function openReadable(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}

/** Returns undefined for a file that can be executed. */
function problemOf(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return "is not a file";
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EACCES" ? "cannot be executed" : `cannot be found (${code})`;
  }
}
