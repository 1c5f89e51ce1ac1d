import type { Files } from "./archive.ts";
import { NAMESPACE } from "./diagnostics.ts";

/** Path of a file from npm in Deno's cache: registry, name, version, file. */
const CACHED_PACKAGE =
  /^(?:\.\.\/)+[^/]+\/npm\/(?:[^/]+\/)+?((?:@[^/]+\/)?[^/]+)\/(\d+\.\d+\.\d+[^/]*)\/(.*)$/;
/** The new name of a module that a bundle may contain: a package, or a remote module. */
const MODULE_NAME = /^(npm|jsr|https?):/;
const UNKNOWN = "unknown";

/**
 * Gives the sources of a map names that the user knows (`lib/x.ts`, `npm:ms@2.1.3/index.js`), and drops the text of all
 * modules but the user's: a stack needs only names and lines, and the text would double the size of a bundle.
 *
 * This also keeps files of the machine out of a bundle: the bundler reads the map that a package's `sourceMappingURL`
 * names, wherever that is, and copies its texts, the names of its sources and its identifiers.
 */
export function renameSources(json: string, own: Files): string {
  const given = JSON.parse(json) as { sources: string[]; names?: string[]; mappings: string };
  const sources = given.sources.map((source) => {
    const name = renameSource(source);
    return own.has(name) || MODULE_NAME.test(name) ? name : UNKNOWN;
  });
  // As many as before, because mappings refer to them by index.
  const names = (given.names ?? []).map(() => "");
  const sourcesContent = sources.map((name) => {
    const posted = own.get(name);
    return posted ? new TextDecoder().decode(posted) : null;
  });
  return JSON.stringify({ version: 3, sources, sourcesContent, mappings: given.mappings, names });
}

export function renameSource(name: string): string {
  const cached = CACHED_PACKAGE.exec(name);
  if (cached) return `npm:${cached[1]}@${cached[2]}/${cached[3]}`;
  const plain = name.startsWith(`${NAMESPACE}:`)
    ? name.slice(NAMESPACE.length + 1)
    : name.replace(/^deno:/, "");
  return plain.replace(/^(?:file:\/+|\.*\/)+/, "");
}

export function withInlineMap(code: Uint8Array, mapJson: string): Buffer {
  const data = Buffer.from(mapJson).toString("base64");
  const comment = `\n//# sourceMappingURL=data:application/json;base64,${data}\n`;
  return Buffer.concat([withoutEndingSpace(code), Buffer.from(comment)]);
}

const MAP_COMMENT = "//# sourceMappingURL=";
const MAP_PREFIX = /^\/\/# sourceMappingURL=data:application\/json;(?:charset=utf-8;)?base64,/;

/** Splits a module that ends with an inline map. Works on bytes: a module may have some hundred MiB. */
export function splitInlineMap(module: Buffer): { code: Buffer; mapJson: string } {
  const at = module.lastIndexOf(MAP_COMMENT);
  const prefix = at < 0 ? null : MAP_PREFIX.exec(module.toString("latin1", at, at + 100));
  if (!prefix) throw new Error("the bundler made no source map");
  const data = module.toString("latin1", at + prefix[0].length).trimEnd();
  return { code: module.subarray(0, at), mapJson: Buffer.from(data, "base64").toString() };
}

function withoutEndingSpace(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && [0x20, 0x0a, 0x0d, 0x09].includes(bytes[end - 1]!)) end--;
  return bytes.subarray(0, end);
}
