import { fileURLToPath, pathToFileURL } from "node:url";
import { Problem, type SourceError } from "../../../../platform/problems.ts";
import { refusal } from "../import-hosts.ts";
import { buildFailed, lineAt } from "../worker/diagnostics.ts";

/** A download broke off: the next try continues with what is in the cache. */
export class BrokenDownload extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The project whose installation failed. */
export interface FailedProject {
  readonly root: string;
  /** Path of the main module. */
  readonly entry: string;
  /** Files of the project as posted. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** For every import of a file outside of the source, whether it exists or not. */
const MACHINE_FILE = "files of the machine cannot be imported; put the file into the source";
const TEXT_KEPT = 300;
const PLACE = /^\s+at (file:\/\/\/.*):(\d+):(\d+)$/m;
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
  [/^Invalid package specifier '([^']*)'/, (name) => `"${name}" names no package`],
  [/^Import '([^']+)' failed, not found/, (url) => `"${url}" does not exist`],
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

/** Explains to the author why Deno could not install the imports of a project, without paths of this machine. */
export function explainFailure(stderr: string, project: FailedProject): Problem | BrokenDownload {
  const [first = ""] = stderr.split(/^error: /m).slice(1);
  const text = first.split("\nStack backtrace:")[0]!.trim();
  const problem = buildFailed([{ ...placeOf(text, project), message: explain(text, project) }]);
  return BROKEN.test(text) && !UNREACHABLE.test(text) ? new BrokenDownload(problem) : problem;
}

/** The problem of a graph with a file outside of the project. */
export function foreignFile(entry: string): Problem {
  return new Problem("build_failed", `${entry} or a module that it imports: ${MACHINE_FILE}.`, {});
}

function explain(text: string, { root, files }: FailedProject): string {
  const missing = /^Module not found "file:\/\/([^"]*)"/.exec(text);
  const inside = `${pathToFileURL(root).pathname}/`;
  if (missing && !missing[1]!.startsWith(inside)) return MACHINE_FILE;
  if (missing) {
    const path = decodeURIComponent(missing[1]!.slice(inside.length));
    const advice =
      files.size <= 2 ? "; to deploy several files, post them as an archive (tar, tar.gz or zip)" : "";
    return `Could not find "${path}" in the source${suggestion(path, files)}${advice}`;
  }
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
function suggestion(path: string, files: FailedProject["files"]): string {
  const stem = (each: string) => each.toLowerCase().replace(/\.[^./]+$/, "");
  const meant = [...files.keys()].find((each) => stem(each) === stem(path));
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** The place in the project that Deno names; the start of the main module if it names none. */
function placeOf(text: string, { root, entry, files }: FailedProject): Omit<SourceError, "message"> {
  const [, url = "", line = "1", column = "1"] = PLACE.exec(text) ?? [];
  const inside = `${pathToFileURL(root).href}/`;
  const file = url.startsWith(inside) ? fileURLToPath(url).slice(root.length + 1) : undefined;
  const posted = file === undefined ? undefined : files.get(file);
  if (file === undefined || !posted) return { file: file ?? entry, line: 1, column: 1, lineText: "" };
  const lineText = lineAt(new TextDecoder().decode(posted), Number(line)) ?? "";
  return { file, line: Number(line), column: Number(column), lineText };
}
