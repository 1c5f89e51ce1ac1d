import { posix } from "node:path";

/** A package in Deno's cache as seen from the folder of a build: registry, name, version. */
const PACKAGE_FOLDER = /^\.\.\/\.\.\/deno\/npm\/(?:[^/]+\/)+?(?:@[^/]+\/)?[^/]+\/\d+\.\d+\.\d+[^/]*\//;

/** Whether a bundler's name of a module is that of a module which a build may hold. */
export function isOwnModule(name: string): boolean {
  return (
    /^(deno:)?(https?|jsr|npm|data|node):/.test(name) || /^<data:/.test(name) || PACKAGE_FOLDER.test(name)
  );
}

/**
 * Whether a bundle holds a module from outside the build's folder and the packages in Deno's cache. Deno's
 * permissions stop most of such imports before they are read, but its esbuild reads files without a known
 * ending by itself, and all that match a pattern like `import("../" + name)`.
 *
 * esbuild writes the name of every module above it, at the start of a line. Code can add lines that look
 * like this, and is refused for it; it cannot take one away.
 */
export function holdsForeignModule(bundle: string): boolean {
  for (const [, name] of bundle.matchAll(/^\/\/ (\.\.\/.*)$/gm)) {
    if (!PACKAGE_FOLDER.test(name!)) return true;
  }
  // A pattern may pick files of its own package, not list those of others.
  for (const [, pattern, importer] of bundle.matchAll(
    /^\/\/ (?:import|require)[.a-z]*\("(.*)"\) in (.*)$/gm,
  )) {
    const own = PACKAGE_FOLDER.exec(importer!)?.[0];
    if (own === undefined || !posix.join(posix.dirname(importer!), pattern!).startsWith(own)) return true;
  }
  return false;
}
