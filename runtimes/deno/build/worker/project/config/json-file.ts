import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { plainJson } from "../../jsonc.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a file of JSON with comments; undefined if it is absent.
 * @throws Problem `invalid_source` if it is not a JSON object
 */
export function readJson(files: Files, path: string): JsonObject | undefined {
  const bytes = files.get(path);
  if (!bytes) return undefined;
  const json = plainJson(new TextDecoder().decode(bytes));
  let value: unknown;
  try {
    // An empty file is an empty configuration, as for Deno.
    value = json.trim() === "" ? {} : JSON.parse(json);
  } catch (error) {
    throw new Problem("invalid_source", `${path} is not valid JSON: ${(error as Error).message}.`);
  }
  if (isObject(value)) return value;
  throw new Problem("invalid_source", `${path} must hold a JSON object.`);
}

/**
 * Returns the object at a key, {} if it is absent.
 * @throws Problem `invalid_source` if it is no object
 */
export function objectAt(object: JsonObject, key: string, path: string): JsonObject {
  const value = object[key];
  if (value === undefined) return {};
  if (isObject(value)) return value;
  throw new Problem("invalid_source", `${path}: ${key} must be an object.`);
}

/**
 * Returns the texts at a key, [] if it is absent.
 * @throws Problem `invalid_source` if it is no list of texts
 */
export function textsAt(object: JsonObject, key: string, path: string): readonly string[] {
  const value = object[key] ?? [];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw new Problem("invalid_source", `${path}: ${key} must be a list of texts.`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
