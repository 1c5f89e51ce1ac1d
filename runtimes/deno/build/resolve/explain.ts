import { pathToFileURL } from "node:url";
import type { Problem, SourceError } from "../../../../platform/problems.ts";
import { refusal } from "../import-hosts.ts";
import { buildFailed } from "../worker/diagnostics.ts";
import { pathInProject, placeIn, type ResolvedProject } from "./project-place.ts";

/** A download broke off: the next try continues with what is in the cache. */
export class BrokenDownload extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** For every import of a file outside of the source, whether it exists or not. */
export const MACHINE_FILE = "files of the machine cannot be imported; put the file into the source";
const TEXT_KEPT = 300;
const PLACE = /^\s+at (\S+):(\d+):(\d+)$/m;
const BROKEN = /error sending request|connection (reset|closed|error)|error decoding response body/i;
/** Not worth a retry. */
const UNREACHABLE = /dns error|Connection refused|certificate/i;

const unreachable = (what: string) => `${what} cannot be reached from here`;

/** Deno's messages that make no sense to a person who does not see its command line, and their replacements. */
const MESSAGES: readonly [RegExp, (...groups: string[]) => string][] = [
  [/^Requires import access to "([^"]+)"/, (host) => refusal(host)],
  [
    /^JSR package manifest for '([^']+)' failed to load\. Requires import access/,
    () => refusal("jsr.io:443"),
  ],
  [/^JSR package manifest for '([^']+)' failed to load/, (name) => `jsr:${name}: ${unreachable("JSR")}`],
  [/^JSR package not found: (\S+)/, (name) => `there is no package jsr:${name}`],
  [/^npm package '([^']+)' does not exist/, (name) => `there is no package npm:${name}`],
  [
    /^Could not find npm package '([^']+)' matching '([^']+)'/,
    (name, version) => `there is no version ${version} of npm:${name}`,
  ],
  [
    /^Error getting response at (\S+) for package "([^"]+)"/,
    (_, name) => `npm:${name}: ${unreachable("the npm registry")}`,
  ],
  [/^Failed loading \S+ for package "([^"]+)"/, (name) => `npm:${name}: ${unreachable("the npm registry")}`],
  [/^Invalid package specifier '([^']*)'/, (name) => `"${name}" names no package`],
  [/^Import '([^']+)' failed, not found/, (url) => `"${url}" does not exist`],
  [/^Module not found "(https?:[^"]+)"/, (url) => `"${url}" does not exist`],
  [/^Import '([^']+)' failed/, (url) => unreachable(`"${url}"`)],
  [/^(?:Import|Relative import path) "([^"]+)" not (?:a dependency|prefixed)/, (name) => bareName(name)],
  [/^Unsupported scheme "([^"]+)"/, (scheme) => otherScheme(scheme)],
  [/^No such built-in module: (\S+)/, (name) => `Deno has no module "${name}"`],
];

function bareName(name: string): string {
  if (/^react\/jsx-(dev-)?runtime$/.test(name))
    return "JSX needs to know its library: start the file with /** @jsxImportSource npm:preact */";
  return `"${name}" is a bare name: write "npm:${name}" for a package from npm, "./${name}" for a file, or map the name in deno.json or package.json`;
}

function otherScheme(scheme: string): string {
  return `${scheme}: imports are not supported; use npm:, jsr:, https:, node: or a relative path`;
}

/** The module from elsewhere in which Deno found an error; undefined for one of the project. */
export function failedRemoteModule(stderr: string): string | undefined {
  const [, url = ""] = PLACE.exec(messageIn(stderr)) ?? [];
  return /^https?:/i.test(url) ? url : undefined;
}

/**
 * Explains to the author why Deno could not install the imports of a project, without paths of this machine.
 * @param importedAt the place in the project that leads to the module with the error, if that is from elsewhere
 */
export function explainFailure(
  stderr: string,
  project: ResolvedProject,
  importedAt?: Omit<SourceError, "message">,
): Problem | BrokenDownload {
  const text = messageIn(stderr);
  const [, url = "", line = "1", column = "1"] = PLACE.exec(text) ?? [];
  const place = importedAt ?? placeIn(project, url, { line: Number(line), column: Number(column) });
  const message = explain(text, project) + (importedAt ? ` (in ${url}:${line}:${column})` : "");
  // Deno parses a file of the machine before it can be refused, and would quote it.
  const isForeign = /^file:/i.test(url) && pathInProject(url, project.root) === undefined;
  const problem = buildFailed([{ ...place, message: isForeign ? MACHINE_FILE : message }]);
  return BROKEN.test(text) && !UNREACHABLE.test(text) ? new BrokenDownload(problem) : problem;
}

function messageIn(stderr: string): string {
  const parts = stderr.split(/^error: /m);
  return (parts[1] ?? stderr).split("\nStack backtrace:")[0]!.trim();
}

/** Explains one message of Deno. */
export function explain(text: string, { root, files }: ResolvedProject): string {
  const missing = /^Module not found "(file:[^"]*)"/.exec(text);
  const path = missing ? pathInProject(missing[1]!, root) : undefined;
  if (missing && path === undefined) return MACHINE_FILE;
  if (path !== undefined) {
    const advice =
      files.size <= 2 ? "; to deploy several files, post them as an archive (tar, tar.gz or zip)" : "";
    return `Could not find "${path}" in the source${suggestion(path, files)}${advice}`;
  }
  const inside = `${pathToFileURL(root).pathname}/`;
  for (const [pattern, replacement] of MESSAGES) {
    const match = pattern.exec(text);
    if (match) return replacement(...match.slice(1));
  }
  const plain = text
    .split("\n")[0]!
    .replace(/^(SyntaxError|TypeError): /, "")
    .replaceAll(`file://${inside}`, "")
    .replaceAll(inside, "")
    .slice(0, TEXT_KEPT);
  // Any other path would show folders of the machine, or whether a file exists.
  return /file:\/\/|(^|[\s"'(`])(\/|[a-z]:\\)/i.test(plain) ? MACHINE_FILE : plain;
}

/** The posted file that was probably meant: of the same name in another spelling, or with another ending. */
function suggestion(path: string, files: ResolvedProject["files"]): string {
  const stem = (each: string) => each.toLowerCase().replace(/\.[^./]+$/, "");
  const meant = [...files.keys()].find((each) => stem(each) === stem(path));
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}
