import { load, YAMLException } from "js-yaml";
import { Problem } from "../../../../../platform/problems.ts";
import { isObject, type JsonObject } from "./config/json-file.ts";

const NAMES = ["skiff.yaml", "skiff.yml"];

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
  const value = parse(name, new TextDecoder().decode(files.get(name)));
  files.delete(name);
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  throw new Problem("invalid_source", `${name} must hold an object, for example "timeoutMs: 5000".`);
}

function parse(name: string, text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return load(text, { filename: name });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark ? ` in line ${error.mark.line + 1}` : "";
    throw new Problem("invalid_source", `${name} is not valid YAML${line}: ${error.reason}.`);
  }
}
