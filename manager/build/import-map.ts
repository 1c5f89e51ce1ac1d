import { Problem } from "../../platform/problems.ts";
import type { Files } from "./archive.ts";

const CONFIG_NAMES = ["deno.json", "deno.jsonc"];

/** What a build takes from the archive's own deno.json; everything else in it is for Deno's tools. */
export interface ProjectConfig {
  /** Import map: a specifier, or a prefix that ends with "/", to what it stands for. */
  readonly imports: Readonly<Record<string, string>>;
  /** Compiler options that change what the code means. */
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

const MEANINGFUL_OPTIONS = ["jsxImportSource", "jsxFactory", "jsxFragmentFactory", "experimentalDecorators"];

/** @throws Problem `invalid_source` if the archive's deno.json cannot be read */
export function readProjectConfig(files: Files): ProjectConfig {
  const name = CONFIG_NAMES.find((name) => files.has(name));
  const config = name === undefined ? {} : parseJsonc(name, files.get(name)!);
  const given = isRecord(config.compilerOptions) ? config.compilerOptions : {};
  const jsx = given.jsx === "react" ? "react" : "react-jsx";
  const kept = Object.entries(given).filter(([key]) => MEANINGFUL_OPTIONS.includes(key));
  const imports = isRecord(config.imports) ? config.imports : {};
  for (const [key, target] of Object.entries(imports)) {
    if (typeof target === "string") continue;
    throw new Problem(
      "invalid_source",
      `${name}: imports: the target of ${JSON.stringify(key)} must be a text.`,
    );
  }
  return {
    imports: imports as Record<string, string>,
    compilerOptions: { ...Object.fromEntries(kept), jsx },
  };
}

/**
 * What the import map makes of a specifier: an exact entry first, then the longest prefix. Entries for
 * packages (`npm:`, `jsr:`) cover their subpaths too, as they do for Deno. Undefined if nothing matches.
 */
export function mapSpecifier(imports: ProjectConfig["imports"], specifier: string): string | undefined {
  if (Object.hasOwn(imports, specifier)) return imports[specifier];
  const prefixes = Object.keys(imports)
    .filter((key) => specifier.startsWith(key.endsWith("/") ? key : `${key}/`))
    .sort((a, b) => b.length - a.length);
  for (const prefix of prefixes) {
    const target = imports[prefix]!;
    if (prefix.endsWith("/")) return target + specifier.slice(prefix.length);
    if (/^(npm|jsr):/.test(target)) return target + specifier.slice(prefix.length);
  }
  return undefined;
}

function parseJsonc(name: string, bytes: Uint8Array): Record<string, unknown> {
  // Strings are matched first, so that what looks like a comment inside one stays. What is not closed
  // matches to the end, so that the time does not grow with the square of a hostile file.
  const json = new TextDecoder()
    .decode(bytes)
    .replace(/("(?:\\[\s\S]?|[^"\\])*(?:"|$))|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, "$1")
    .replace(/("(?:\\[\s\S]?|[^"\\])*(?:"|$))|,(?=\s*[}\]])/g, "$1");
  try {
    const value: unknown = JSON.parse(json);
    if (isRecord(value)) return value;
  } catch (error) {
    throw new Problem("invalid_source", `${name} is not valid JSON: ${(error as Error).message}.`);
  }
  throw new Problem("invalid_source", `${name} must hold a JSON object.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
