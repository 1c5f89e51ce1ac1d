import type { Replaced } from "../start-message.ts";
import { type Serving, serveListening } from "./listening.ts";
import { builtin, loadNode } from "./types.ts";

/** Umask of an instance, which Deno reveals to nobody. */
const UMASK = 0o022;

/** Replaces the parts, before the program is loaded. */
export async function replaceParts(parts: readonly Replaced[], serving: Serving): Promise<void> {
  if (parts.includes("listen")) serveListening(await loadNode(), serving);
  if (parts.includes("umask")) {
    const { default: process } = await builtin<{ default: { umask(): number } }>("process");
    process.umask = () => UMASK;
  }
  if (parts.includes("exists")) {
    const { default: fs } = await builtin<{ default: { existsSync(path: unknown): boolean } }>("fs");
    fs.existsSync = neverThrowing(fs.existsSync);
  }
}

/** As in Node: packages look for their configuration in the folders above the function, which it may not read. */
function neverThrowing(existsSync: (path: unknown) => boolean): (path: unknown) => boolean {
  return (path) => {
    try {
      return existsSync(path);
    } catch {
      return false; // The answer of Node for what a program may not read.
    }
  };
}
