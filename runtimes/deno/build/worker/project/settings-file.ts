import { loadAll, YAMLException } from "js-yaml";
import { Problem } from "../../../../../platform/problems.ts";
import { isObject, type JsonObject } from "./config/json-file.ts";

const NAMES = ["skiff.yaml", "skiff.yml"];

/** Limit on the characters of the file, and on its values, which aliases can repeat. */
const MOST = 256 * 1024;
const MAX_DEPTH = 100;

/**
 * Takes the file with the settings of the function out of the files; undefined if there is none. It may hold secrets, so no
 * instance gets it.
 * @throws Problem `invalid_source` if it is no YAML with an object
 */
export function takeSettings(files: Map<string, Uint8Array>): JsonObject | undefined {
  const [name, second] = NAMES.filter((each) => files.has(each));
  if (name === undefined) return undefined;
  if (second !== undefined) {
    throw new Problem("invalid_source", `${name} and ${second} are both there; keep one of them.`);
  }
  const text = new TextDecoder().decode(files.get(name));
  files.delete(name);
  const [value = {}, another] = parse(name, text);
  if (another !== undefined) throw new Problem("invalid_source", `${name} must hold one document.`);
  if (value === null) return {};
  if (!isObject(value)) {
    throw new Problem("invalid_source", `${name} must hold an object, for example "timeoutMs: 5000".`);
  }
  if (countValues(value, 0) > MOST) throw tooLarge(name);
  return value;
}

function parse(name: string, text: string): unknown[] {
  if (text.length > MOST) throw tooLarge(name);
  try {
    return loadAll(text, { filename: name });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark ? ` in line ${error.mark.line + 1}` : "";
    throw new Problem("invalid_source", `${name} is not valid YAML${line}: ${error.reason}.`);
  }
}

/** Counts the values as JSON repeats them, up to a little over the limit. An alias can lead back to itself. */
function countValues(value: unknown, before: number, depth = 0): number {
  if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY;
  let count = before + 1;
  if (typeof value === "string") count += value.length;
  if (typeof value !== "object" || value === null) return count;
  for (const inner of Object.values(value)) {
    if (count > MOST) break;
    count = countValues(inner, count, depth + 1);
  }
  return count;
}

function tooLarge(name: string): Problem {
  return new Problem(
    "invalid_source",
    `${name} is over ${MOST / 1024} KiB or ${MAX_DEPTH} levels deep; settings are far smaller.`,
  );
}
