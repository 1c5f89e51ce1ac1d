import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram } from "../compile-program.ts";

const OPTIONS = ["--platform=node", "--format=esm", "--target=node24", "--tsconfig-raw={}"];

/**
 * Compiles the program host to one plain JavaScript file in `folder`, which Node runs without any other file of Skiff.
 * @returns its path
 */
export async function compileHost(folder: string): Promise<string> {
  const entry = fileURLToPath(new URL("host/main.ts", import.meta.url));
  const file = join(folder, "host.mjs");
  const program = await compileProgram(entry, OPTIONS);
  // On a full disk the file of an earlier start can be used, but not written again.
  if (!existsSync(file) || readFileSync(file, "utf8") !== program) {
    // It is read-only.
    rmSync(file, { force: true });
    writeFileSync(file, program);
  }
  // Programs may have users of their own; it holds nothing secret.
  chmodSync(file, 0o444);
  return file;
}
