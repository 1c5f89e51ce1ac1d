import type { Files } from "../../archive.ts";
import { isObject, type JsonObject, readJson } from "../config/json-file.ts";
import { wranglerMain } from "./wrangler.ts";

/** An entry that a configuration file names. */
export interface NamedEntry {
  readonly path: string;
  /** The file and the key that name it. */
  readonly by: string;
}

/** Programs whose first argument with the ending of a source is the main module. */
const PROGRAM = /(?:^|\s)(?:deno|node|tsx|ts-node|bun|nodemon)\s(.*)$/;
/** Options whose value is another file. */
const FILE_OPTIONS =
  /\s(?:--(?:import|require|loader|preload|config|import-map|env-file|lock)|-[rc])[\s=]\S+/g;
const SOURCE_WORD = /(?:^|\s)["']?([\w@./-]+\.(?:[mc]?[jt]s|[jt]sx))["']?(?=\s|$)/;
const CONDITIONS = ["deno", "import", "node", "module", "default", "require"];

/** Lists the main modules that configuration files name, in order of precedence. */
export function namedEntries(files: Files): NamedEntry[] {
  return [...ofDeno(files), ...ofPackage(files), ...ofWrangler(files)];
}

function ofDeno(files: Files): NamedEntry[] {
  const file = ["deno.json", "deno.jsonc"].find((name) => files.has(name));
  const config = file === undefined ? undefined : readJson(files, file);
  if (file === undefined || config === undefined) return [];
  const { tasks } = config;
  const start = isObject(tasks) ? tasks.start : undefined;
  const command = isObject(start) ? start.command : start;
  return [
    ...named(mainExport(config.exports), `exports of ${file}`),
    ...started(command, `the task start of ${file}`),
  ];
}

function ofPackage(files: Files): NamedEntry[] {
  const file = "package.json";
  const config: JsonObject = readJson(files, file) ?? {};
  const { scripts } = config;
  return [
    ...named(config.main, `main of ${file}`),
    ...named(config.module, `module of ${file}`),
    ...named(mainExport(config.exports), `exports of ${file}`),
    ...started(isObject(scripts) ? scripts.start : undefined, `the script start of ${file}`),
  ];
}

function ofWrangler(files: Files): NamedEntry[] {
  const found = wranglerMain(files);
  return found ? named(found.main, `main of ${found.file}`) : [];
}

function named(path: unknown, by: string): NamedEntry[] {
  return typeof path === "string" && path !== "" ? [{ path, by }] : [];
}

/** What `exports` names for the package itself. */
function mainExport(exports: unknown): string | undefined {
  if (typeof exports === "string") return exports;
  if (!isObject(exports)) return undefined;
  const own = exports["."];
  if (own !== undefined) return mainExport(own);
  for (const condition of CONDITIONS) {
    const found = mainExport(exports[condition]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a command runs, if that is a source. */
function started(command: unknown, by: string): NamedEntry[] {
  if (typeof command !== "string") return [];
  for (const part of command.split(/&&|\|\||[;|&]/)) {
    const rest = PROGRAM.exec(part)?.[1];
    const word = rest === undefined ? null : SOURCE_WORD.exec(` ${rest}`.replaceAll(FILE_OPTIONS, ""));
    if (word) return named(word[1], by);
  }
  return [];
}
