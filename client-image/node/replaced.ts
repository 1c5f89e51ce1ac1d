import type { Replaced } from "../start-message.ts";
import { type Serving, serveListening } from "./listening.ts";
import { builtin, loadNode } from "./types.ts";

/** Loading a module of Node takes up to 24 ms, so only programs that use it pay for it. */
const USES: Readonly<Record<Replaced, RegExp>> = {
  listen: /["'`]node:http["'`]|(?:from|equire|import|BuiltinModule)\s*\(?\s*["'`]http["'`]/,
  umask: /\bumask\b/,
};

/** Umask of an instance, which Deno reveals to nobody. */
const UMASK = 0o022;

/** Returns the parts that a source may use: those whose names it has. Pure. */
export function replacedIn(source: string): Replaced[] {
  return (Object.keys(USES) as Replaced[]).filter((part) => USES[part].test(source));
}

/** Replaces the parts, before the program is loaded. */
export async function replaceParts(parts: readonly Replaced[], serving: Serving): Promise<void> {
  if (parts.includes("listen")) serveListening(await loadNode(), serving);
  if (parts.includes("umask")) {
    const { default: process } = await builtin<{ default: { umask(): number } }>("process");
    process.umask = () => UMASK;
  }
}
