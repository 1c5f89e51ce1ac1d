import { accessSync, constants, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CallOrder } from "../program-message.ts";

/** Checks that the program of a command can be executed. @throws Error with the reason */
export function findProgram(
  { command, cwd }: Pick<CallOrder, "command" | "cwd">,
  variables: NodeJS.ProcessEnv,
): void {
  const program = command[0] ?? "";
  if (program.includes("/")) {
    const problem = problemOf(resolve(cwd, program));
    if (problem !== undefined) throw new Error(`The program ${program} ${problem}.`);
    return;
  }
  const folders = (variables.PATH ?? "").split(":").filter((folder) => folder !== "");
  if (folders.some((folder) => problemOf(join(folder, program)) === undefined)) return;
  throw new Error(`The program ${JSON.stringify(program)} is in no folder of PATH (${folders.join(":")}).`);
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
