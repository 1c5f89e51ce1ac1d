import { refusal } from "../import-hosts.ts";
import { DENO_CODE, DENO_ERRORS } from "../tasks.ts";
import { holdsForeignModule, isOwnModule } from "./module-check.ts";

/** Name of the module that is bundled, as Deno reports it. */
export const DENO_ENTRY = "main.js";

export interface OutsideError {
  readonly text: string;
  /** Line from 1, column in bytes from 0; `file` is `DENO_ENTRY` for the module that was given. */
  readonly location: { file: string; line: number; column: number; length: number } | null;
}

export type OutsideResult = { readonly code: Buffer } | { readonly errors: readonly OutsideError[] };

/** What Deno's bundler printed; a bundle with a module that may not be in it is an error. */
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

/** An error about the text of a file that is neither the user's nor a package's would tell what is in it. */
function withoutContent(error: OutsideError): OutsideError {
  const { location } = error;
  if (!location || location.file === DENO_ENTRY || isOwnModule(location.file)) return error;
  return { text: MACHINE_FILE, location: null };
}

/** Said of every attempt to import a file that is neither the source's nor a package's, whether it exists or not. */
const MACHINE_FILE = "it imports a file that is not its own, which a build may not read";

/** Deno's sentences that need other words for someone who does not see its command line. */
const SENTENCES: readonly [RegExp, (match: RegExpExecArray) => string][] = [
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

/**
 * What went wrong with an outside import, for the user: without the paths of this machine.
 * @param directory where the bundler saw the folder of its cache
 */
export function explain(text: string, directory: string): string {
  for (const [pattern, say] of SENTENCES) {
    const match = pattern.exec(text.slice(0, TEXT_READ));
    if (match) return say(match);
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
  // Any other path tells about the machine: about its folders, or whether a file is there.
  return /file:\/\/|(^|[\s"'(`])(\/|[a-z]:\\|\.\.?\/)/i.test(plain) ? MACHINE_FILE : plain;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
