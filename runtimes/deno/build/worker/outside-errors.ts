import { refusal } from "../import-hosts.ts";
import { DENO_CODE, DENO_ERRORS } from "../tasks.ts";
import { holdsForeignModule, isOwnModule } from "./module-check.ts";

/** For every import of a file that belongs neither to the source nor to a package, whether it exists or not. */
const MACHINE_FILE = "it imports a file that is not its own, which a build may not read";

/** Deno's messages that make no sense to a person who does not see its command line, and their replacements. */
const MESSAGES: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  [/^Requires read access/, () => MACHINE_FILE],
  [/^Requires import access to "([^"]+)"/, ([, host]) => refusal(host!)],
  [
    /^Could not find constraint/,
    () => "there is no such package or version, or the registry cannot be reached",
  ],
  [/^Plugin "deno" returned/, () => "the name or the version of the package cannot be read"],
  [/^Could not resolve (import|require)/, () => "it imports a computed path, which cannot be inlined"],
  [/^Could not resolve '/, () => "the package has no such file or export"],
  [
    /^Do not know how to load path/,
    () => "it does not exist, cannot be reached, or redirects to a host that is refused",
  ],
];

const TEXT_KEPT = 300;
/** A message may quote a name of some MiB. */
const TEXT_READ = 10_000;

/** Name of the module that is bundled, as Deno reports it. */
export const DENO_ENTRY = "main.js";

export interface OutsideError {
  readonly text: string;
  /** Line from 1, column in bytes from 0; `file` is `DENO_ENTRY` for the bundled module itself. */
  readonly location: { file: string; line: number; column: number; length: number } | null;
}

export type OutsideResult = { readonly code: Buffer } | { readonly errors: readonly OutsideError[] };

/** Parses the output of Deno's bundler. A bundle with a foreign module is an error. */
export function readOutsideResult(printed: Uint8Array): OutsideResult {
  const bytes = Buffer.from(printed.buffer, printed.byteOffset, printed.byteLength);
  const kind = bytes.toString("latin1", 0, 1);
  const rest = bytes.subarray(1);
  if (kind === DENO_ERRORS) {
    return { errors: (JSON.parse(rest.toString()) as OutsideError[]).map(withoutContent) };
  }
  if (kind !== DENO_CODE) throw new Error(`Deno's bundler printed "${kind}" first`);
  return holdsForeignModule(rest) ? { errors: [{ text: MACHINE_FILE, location: null }] } : { code: rest };
}

/** Hides an error about a file that belongs neither to the user nor to a package: it would show its content. */
function withoutContent(error: OutsideError): OutsideError {
  const { location } = error;
  if (!location || location.file === DENO_ENTRY || isOwnModule(location.file)) return error;
  return { text: MACHINE_FILE, location: null };
}

/**
 * Explains to the user why an outside import failed, without the paths of this machine.
 * @param directory folder of the cache, as the bundler saw it
 */
export function explain(text: string, directory: string): string {
  for (const [pattern, explanation] of MESSAGES) {
    const match = pattern.exec(text.slice(0, TEXT_READ));
    if (match) return explanation(match);
  }
  const cached = new RegExp(
    `(?:(?:file://)?${escapeRegExp(directory)}|\\.\\./\\.\\.)/deno(?:-\\d+)?/npm/(?:[^/\\s]+/)+?((?:@[^/\\s]+/)?[^/\\s]+)/(\\d+\\.\\d+\\.\\d+[^/\\s]*)/`,
    "g",
  );
  const plain = text
    .slice(0, TEXT_READ)
    .split("\n")[0]!
    .replace(cached, "npm:$1@$2/")
    .replaceAll(/deno:(?=https?:|jsr:)/g, "")
    .slice(0, TEXT_KEPT);
  // Any other path would show folders of the machine, or whether a file exists.
  return /file:\/\/|(^|[\s"'(`])(\/|[a-z]:\\|\.\.?\/)/i.test(plain) ? MACHINE_FILE : plain;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
