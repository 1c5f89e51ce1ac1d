import { execFile } from "node:child_process";
import { chmod, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The folder of the builder and its content, as real paths. */
export interface BuildFolder {
  readonly directory: string;
  /** Folders of builds under way. */
  readonly builds: string;
  /** An empty folder, in which `unshare` builds the root of a sandbox. */
  readonly empty: string;
  /** The programs of build workers and of resolvers, each in one file. */
  readonly workerProgram: string;
  readonly resolverProgram: string;
  /** Script that starts the program `$ESBUILD` with `$ESBUILD_KIB` KiB of memory. */
  readonly esbuildStarter: string;
  readonly esbuild: string;
}

const WORKER = fileURLToPath(new URL("../build/worker/main.ts", import.meta.url));
const RESOLVER = fileURLToPath(new URL("../build/resolve/main.ts", import.meta.url));
const COMPILE_MS = 30_000;
const STARTER = '#!/bin/sh\nulimit -d "$ESBUILD_KIB"; exec "$ESBUILD" "$@"\n';

/** Makes the folder, for this user alone, and removes what builds of a killed process left behind. */
export async function prepareBuildFolder(directory: string): Promise<BuildFolder> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const real = await realpath(directory);
  const folders: BuildFolder = {
    directory: real,
    builds: join(real, "builds"),
    empty: join(real, "empty"),
    workerProgram: join(real, "worker.cjs"),
    resolverProgram: join(real, "resolver.cjs"),
    esbuildStarter: join(real, "esbuild.sh"),
    esbuild: esbuildPath(),
  };
  await rm(folders.builds, { recursive: true, force: true });
  for (const folder of [folders.builds, folders.empty]) await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(folders.esbuildStarter, STARTER);
  await chmod(folders.esbuildStarter, 0o700);
  await compile(folders.esbuild, { [WORKER]: folders.workerProgram, [RESOLVER]: folders.resolverProgram });
  return folders;
}

/** Compiles the programs once per start of Skiff: they start faster from one file of plain JavaScript each. */
async function compile(esbuild: string, programs: Readonly<Record<string, string>>): Promise<void> {
  const options = ["--bundle", "--platform=node", "--format=cjs", "--target=node24", "--log-level=error"];
  const compileOne = ([program, file]: readonly [string, string]) => {
    const command = [program, ...options, "--minify-syntax", `--outfile=${file}`];
    return promisify(execFile)(esbuild, command, { cwd: dirname(program), timeout: COMPILE_MS });
  };
  await Promise.all(Object.entries(programs).map(compileOne));
}

/** Path of esbuild's program, which the package for this machine contains. */
function esbuildPath(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("esbuild"));
  return require.resolve(`@esbuild/${process.platform}-${process.arch}/bin/esbuild`);
}
