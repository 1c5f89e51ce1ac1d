import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/**
 * Compiles client-image/runtime.ts to one plain JavaScript file in `folder`: Deno starts that 15 ms faster
 * than TypeScript, and once per start of Skiff is enough. Returns its path.
 */
export function compileRuntime(folder: string): string {
  const entry = fileURLToPath(new URL("../../client-image/runtime.ts", import.meta.url));
  const file = join(folder, "runtime.mjs");
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    tsconfigRaw: "{}",
  });
  const program = outputFiles[0]!.contents;
  // On a full disk one that is there can be used, but not written again.
  if (!isContent(file, program)) {
    // It may be read-only.
    rmSync(file, { force: true });
    writeFileSync(file, program);
  }
  // Instances may have users of their own; it holds nothing of anybody.
  chmodSync(file, 0o444);
  return file;
}

function isContent(file: string, bytes: Uint8Array): boolean {
  return existsSync(file) && readFileSync(file).equals(bytes);
}
