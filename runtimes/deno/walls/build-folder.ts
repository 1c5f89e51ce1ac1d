import { chmod, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram, esbuildPath } from "../../compile-program.ts";

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
const OPTIONS = ["--platform=node", "--format=cjs", "--target=node24", "--minify-syntax"];
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
  const compile = async (program: string, file: string) =>
    writeFile(file, await compileProgram(program, OPTIONS));
  await Promise.all([compile(WORKER, folders.workerProgram), compile(RESOLVER, folders.resolverProgram)]);
  return folders;
}
