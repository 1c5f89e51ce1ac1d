/** Runs a command line of `skiff`. */
import { join } from "node:path";
import { keepCompiled } from "../process/compile-cache.ts";
import type { Host } from "./task.ts";

/** @returns the exit code */
export async function runCommand(args: readonly string[], host: Host): Promise<number> {
  const { env } = process;
  if (env.HOME) keepCompiled([join(env.XDG_CACHE_HOME || join(env.HOME, ".cache"), "skiff")]);
  // Whoever reads the output may stop (`| head`).
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const { runProgram } = await import("./program.ts");
  const { stdin, stdout, stderr } = process;
  return runProgram(args, { host, env, cwd: process.cwd(), stdin, stdout, stderr });
}
