import type { Files } from "./archive.ts";
import { NAMESPACE } from "./diagnostics.ts";

interface SourceMap {
  sources: string[];
  sourcesContent?: (string | null)[];
}

/** How a package from npm lies in Deno's cache: registry, name, version, file. */
const CACHED_PACKAGE =
  /^(?:\.\.\/)+[^/]+\/npm\/(?:[^/]+\/)+?((?:@[^/]+\/)?[^/]+)\/(\d+\.\d+\.\d+[^/]*)\/(.*)$/;

/**
 * The map with names that mean something to the user (`lib/x.ts`, `npm:ms@2.1.3/index.js`), without the
 * text of modules that are not the user's: a stack needs only names and lines, and that text would double
 * the size of a bundle.
 */
export function renameSources(json: string, own: Files): string {
  const map = JSON.parse(json) as SourceMap;
  map.sources = map.sources.map(renameSource);
  map.sourcesContent = map.sources.map((name) => {
    const posted = own.get(name);
    return posted ? new TextDecoder().decode(posted) : null;
  });
  return JSON.stringify(map);
}

export function renameSource(name: string): string {
  const cached = CACHED_PACKAGE.exec(name);
  if (cached) return `npm:${cached[1]}@${cached[2]}/${cached[3]}`;
  const plain = name.startsWith(`${NAMESPACE}:`)
    ? name.slice(NAMESPACE.length + 1)
    : name.replace(/^deno:/, "");
  return plain.replace(/^(?:file:\/+|\.*\/)+/, "");
}

export function withInlineMap(code: string, mapJson: string): string {
  const data = Buffer.from(mapJson).toString("base64");
  return `${code.trimEnd()}\n//# sourceMappingURL=data:application/json;base64,${data}\n`;
}

const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json;(?:charset=utf-8;)?base64,([\w+/=]+)\s*$/;

/** Code and map of a module that ends with an inline map. */
export function splitInlineMap(code: string): { code: string; mapJson: string } {
  const at = code.lastIndexOf("//# sourceMappingURL=");
  const match = at < 0 ? null : INLINE_MAP.exec(code.slice(at));
  if (!match) throw new Error("the bundler made no source map");
  return { code: code.slice(0, at), mapJson: Buffer.from(match[1]!, "base64").toString() };
}
