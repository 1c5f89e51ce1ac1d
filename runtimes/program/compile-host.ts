import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram } from "../compile-program.ts";
import { writeProgram } from "../write-program.ts";

const OPTIONS = ["--platform=node", "--format=esm", "--target=node24", "--tsconfig-raw={}"];

/**
 * Compiles the program host to one plain JavaScript file in `folder`, which Node runs without any other file of Skiff.
 * @returns its path
 */
export async function compileHost(folder: string): Promise<string> {
  const entry = fileURLToPath(new URL("host/main.ts", import.meta.url));
  const file = join(folder, "host.mjs");
  writeProgram(file, await compileProgram(entry, OPTIONS));
  return file;
}
