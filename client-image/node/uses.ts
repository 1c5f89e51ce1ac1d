import type { Replaced } from "../start-message.ts";

/** Loading a module of Node takes up to 24 ms, so only programs that use it pay for it. */
const USES: Readonly<Record<Replaced, RegExp>> = {
  listen: /["'`]node:http["'`]|(?:from|equire|import|BuiltinModule)\s*\(?\s*["'`]http["'`]/,
  umask: /\bumask\b/,
  exists: /\bexistsSync\b/,
};

/** Returns the parts that a source may use: those whose names it has. Pure. */
export function replacedIn(source: string): Replaced[] {
  return (Object.keys(USES) as Replaced[]).filter((part) => USES[part].test(source));
}
