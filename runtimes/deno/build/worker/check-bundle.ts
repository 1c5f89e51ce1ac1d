import { Problem } from "../../../../platform/problems.ts";
import { formatBytes } from "../../../../platform/quantity.ts";
import { BUNDLE_PER_SOURCE } from "../tasks.ts";
import { listImports } from "./quick-build.ts";

/**
 * @param code a bundle without its map, which a parser need not read
 * @throws Problem `build_failed` if it still imports anything but `node:*`
 */
export async function checkImports(code: Uint8Array): Promise<void> {
  for (const { path, dynamic } of await listImports(code)) {
    if (path.startsWith("node:")) continue;
    // An optional package that a dependency looks for and does without: not found at run time either.
    if (dynamic && /^[\w@][^:]*$/.test(path)) continue;
    throw new Problem(
      "build_failed",
      `The import of "${path.slice(0, 200)}" could not be inlined: write it as a literal in an import statement of your own.`,
    );
  }
}

/** @throws Problem `build_failed` */
export function checkSize(module: Uint8Array, mostBytes: number): void {
  if (module.length <= mostBytes) return;
  throw new Problem(
    "build_failed",
    `The bundle with its dependencies is ${formatBytes(module.length)}, over the limit of ${formatBytes(mostBytes)} (${BUNDLE_PER_SOURCE} times SKIFF_MAX_SOURCE); import less, or raise the limit.`,
    { setting: "SKIFF_MAX_SOURCE" },
  );
}
