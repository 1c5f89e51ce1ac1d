import { posix } from "node:path";

/** Path of a package in Deno's cache from the folder of a build: registry, name, version. */
const PACKAGE_FOLDER =
  /^\.\.\/\.\.\/deno(?:-\d+)?\/npm\/(?:[^/]+\/)+?(?:@[^/]+\/)?[^/]+\/\d+\.\d+\.\d+[^/]*\//;
const NAME_LINE = /^\/\/ (\.\.\/.*)$/s;
const PATTERN_LINE = /^\/\/ (?:import|require)[.a-z]*\("(.*)"\) in (.*)$/s;
const PATTERN_START = /^\/\/ (?:import|require)[.a-z]*\("/;
/** No module has a longer name; the rest of a line is ignored. */
const NAME_BYTES = 16 * 1024;

/** Whether the bundler's name of a module is one that a build may contain. */
export function isOwnModule(name: string): boolean {
  return (
    /^(deno:)?(https?|jsr|npm|data|node):/.test(name) || /^<data:/.test(name) || PACKAGE_FOLDER.test(name)
  );
}

/**
 * Whether a bundle contains a module that is neither in the build's folder nor a package in Deno's cache. Deno's
 * permissions refuse most of such imports, but its esbuild itself reads files with an unknown ending, and all that match a
 * pattern such as `import("../" + name)`.
 *
 * esbuild writes the name of every module above it, at the start of a line. Code can add such lines, and is refused for
 * that; it cannot remove one.
 */
export function holdsForeignModule(bundle: Buffer): boolean {
  for (const line of commentLines(bundle)) {
    const name = NAME_LINE.exec(line)?.[1];
    if (name !== undefined && !PACKAGE_FOLDER.test(name)) return true;
    // A pattern may match files of its own package only.
    const [, pattern, importer] = PATTERN_LINE.exec(line) ?? [];
    if (pattern === undefined || importer === undefined) {
      if (line.length >= NAME_BYTES && PATTERN_START.test(line)) return true;
      continue;
    }
    const own = PACKAGE_FOLDER.exec(importer)?.[0];
    if (own === undefined || !posix.join(posix.dirname(importer), pattern).startsWith(own)) return true;
  }
  return false;
}

/** Yields the lines that begin with "// ", of a bundle of any size, without a copy of it. */
function* commentLines(bundle: Buffer): Generator<string> {
  for (let start = 0; start >= 0 && start < bundle.length; ) {
    const end = bundle.indexOf(10, start);
    if (bundle[start] === 0x2f && bundle[start + 1] === 0x2f && bundle[start + 2] === 0x20) {
      // One character for each byte: names are compared with ASCII, and a cut leaves no half character.
      yield bundle.toString("latin1", start, Math.min(end < 0 ? bundle.length : end, start + NAME_BYTES));
    }
    start = end < 0 ? -1 : end + 1;
  }
}
