import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder of a data folder in which Skiff keeps the runtime that Deno compiled, and its mark of a complete one. */
const FOLDER = "deno";
const COMPLETE = join(FOLDER, "complete");

let kept: string | undefined;

/** Gives a new data folder the compiled runtime of an earlier one of this run. Without it Skiff compiles for two seconds. */
export function lendCompiledRuntime(dataFolder: string): void {
  if (kept !== undefined) cpSync(join(kept, FOLDER), join(dataFolder, FOLDER), { recursive: true });
}

/** Keeps the compiled runtime of a data folder that nobody uses any more, for those after it. */
export function keepCompiledRuntime(dataFolder: string): void {
  if (kept !== undefined || !existsSync(join(dataFolder, COMPLETE))) return;
  kept = mkdtempSync(join(tmpdir(), "skiff-test-compiled-"));
  cpSync(join(dataFolder, FOLDER), join(kept, FOLDER), { recursive: true });
}

process.once("exit", () => {
  if (kept !== undefined) rmSync(kept, { recursive: true });
});
