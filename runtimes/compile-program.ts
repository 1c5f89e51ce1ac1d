import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { promisify } from "node:util";

const COMPILE_MS = 30_000;
/** The largest program has 0.4 MB. */
const MOST_BYTES = 16 * 1024 ** 2;

/** Path of esbuild's program, which the package for this machine contains. */
export function esbuildPath(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("esbuild"));
  return require.resolve(`@esbuild/${process.platform}-${process.arch}/bin/esbuild`);
}

/**
 * Compiles a program of Skiff to one file of plain JavaScript, which starts faster than its modules. It runs esbuild's
 * own program: the library would keep a thread and a process, 25 MiB together, for as long as Skiff runs.
 * @param options of esbuild besides those of every program; without `--outfile` the result has the code
 * @throws Error if esbuild fails, or takes longer than 30 s
 */
export async function compileProgram(entry: string, options: readonly string[]): Promise<Buffer> {
  const command = [entry, "--bundle", "--log-level=error", ...options];
  const limits = { timeout: COMPILE_MS, maxBuffer: MOST_BYTES, encoding: "buffer" } as const;
  const { stdout } = await promisify(execFile)(esbuildPath(), command, { cwd: dirname(entry), ...limits });
  return stdout;
}
