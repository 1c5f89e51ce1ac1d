import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { keepProgram, keptFile, readKept } from "./kept-program.ts";

const COMPILE_MS = 30_000;
/** The largest program has 0.4 MB. */
const MOST_BYTES = 16 * 1024 ** 2;
/** The folder of an npm package, whose package.json says which of its files an import means. */
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** Path of esbuild's program, which the package for this machine contains. */
export function esbuildPath(): string {
  const require = createRequire(esbuildLibrary());
  return require.resolve(`@esbuild/${process.platform}-${process.arch}/bin/esbuild`);
}

function esbuildLibrary(): string {
  return createRequire(import.meta.url).resolve("esbuild");
}

/**
 * Compiles a program of Skiff to one file of plain JavaScript, which starts faster than its modules. It runs esbuild's
 * own program: the library would keep a thread and a process, 25 MiB together, for as long as Skiff runs. A later start
 * finds the code in the compile cache.
 * @param options of esbuild besides those of every program
 * @returns the code
 * @throws Error if esbuild fails, or takes longer than 30 s
 */
export async function compileProgram(entry: string, options: readonly string[]): Promise<string> {
  const file = keptFile([entry, ...options]);
  if (file === undefined) return await compile(entry, options);
  return readKept(file) ?? (await compileAndKeep(file, entry, options)) ?? (await compile(entry, options));
}

/** Returns undefined if this fails. Compiling without files then works on a full disk, or reports the error. */
async function compileAndKeep(
  file: string,
  entry: string,
  options: readonly string[],
): Promise<string | undefined> {
  let folder: string | undefined;
  let code: string | undefined;
  try {
    // The system removes what a killed start leaves there.
    folder = mkdtempSync(join(tmpdir(), "skiff-compile-"));
    const [outfile, metafile] = [join(folder, "program.js"), join(folder, "inputs.json")];
    await compile(entry, [...options, `--outfile=${outfile}`, `--metafile=${metafile}`]);
    code = readFileSync(outfile, "utf8");
    keepProgram(file, { code, inputs: inputsOf(metafile, dirname(entry)) });
  } catch {
    // A later start compiles again.
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
  return code;
}

async function compile(entry: string, options: readonly string[]): Promise<string> {
  const command = [entry, "--bundle", "--log-level=error", ...options];
  const limits = { timeout: COMPILE_MS, maxBuffer: MOST_BYTES };
  const { stdout } = await promisify(execFile)(esbuildPath(), command, { cwd: dirname(entry), ...limits });
  return stdout;
}

/** Returns the files that a program was compiled from, with the descriptions of their packages and of esbuild. */
function inputsOf(metafile: string, folder: string): string[] {
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
  const paths = Object.keys(inputs).map((path) => join(folder, path));
  const packages = paths.flatMap((path) => PACKAGE.exec(path)?.[0] ?? []);
  const compiler = dirname(dirname(esbuildLibrary()));
  return [...paths, ...[...new Set([compiler, ...packages])].map((each) => join(each, "package.json"))];
}
