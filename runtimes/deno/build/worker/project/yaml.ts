import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  mergeTag,
  parseEvents,
  YAMLException,
} from "js-yaml";
import { cronHint } from "../../../../../platform/events/cron-hint.ts";
import { Problem } from "../../../../../platform/problems.ts";
import type { Place } from "../../../../runtime.ts";
import { isObject, type JsonObject } from "./config/json-file.ts";

/** Limit on the characters of a file, and on its values, which aliases and merges can repeat. */
const MOST = 256 * 1024;
const MAX_DEPTH = 100;
const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

export interface ParsedYaml {
  readonly text: string;
  readonly value: JsonObject;
  /** By JSON pointer. Computed by a call, because a build has no use for it. */
  readonly places: () => Readonly<Record<string, Place>>;
}

/**
 * Parses a file of settings: one document with an object, or nothing.
 * @throws Problem `invalid_source` with the place of a mistake
 */
export function parseYaml(name: string, bytes: Uint8Array): ParsedYaml {
  const text = decode(name, bytes);
  if (text.length > MOST) throw tooLarge(name);
  try {
    const events = parseEvents(text, { filename: name, maxDepth: MAX_DEPTH });
    const values = constructFromEvents(events, { source: text, schema: SCHEMA, maxTotalMergeKeys: MOST });
    return { text, value: onlyObject(name, values), places: () => placesOf(text, events) };
  } catch (error) {
    throw error instanceof YAMLException ? mistake(name, text, error) : error;
  }
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // A replaced character would change a setting.
    throw new Problem("invalid_source", `${name} is not valid UTF-8: save it in that encoding.`);
  }
}

function onlyObject(name: string, [value = {}, another]: readonly unknown[]): JsonObject {
  if (another !== undefined) throw new Problem("invalid_source", `${name} must hold one document.`);
  if (value === null) return {};
  if (!isObject(value)) {
    const isList = name === "functions.yaml" && Array.isArray(value);
    const advice = isList ? ': put the list under "functions:"' : ', for example "timeoutMs: 5000"';
    throw new Problem("invalid_source", `${name} must hold an object${advice}.`);
  }
  if (countValues(value, 0) > MOST) throw tooLarge(name);
  return value;
}

function mistake(name: string, text: string, { reason, mark }: YAMLException): Problem {
  const hint = cronHint(text);
  if (mark === undefined)
    return new Problem("invalid_source", `${name} is not valid YAML: ${reason}.${hint}`);
  const [line, column] = [mark.line + 1, mark.column + 1];
  const lineText = (text.split(/\r?\n/, line)[line - 1] ?? "").slice(0, 160);
  const detail = `${name}:${line}:${column}: not valid YAML: ${reason}.${hint}\n  ${lineText}`;
  return new Problem("invalid_source", detail, {
    errors: [
      { message: `not valid YAML: ${reason}${hint && `.${hint}`}`, file: name, line, column, lineText },
    ],
  });
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

/** Finds the place of every member and entry: that of its key, or of its value in a list. */
function placesOf(text: string, events: readonly Event[]): Record<string, Place> {
  const places: Record<string, Place> = {};
  const starts = lineStarts(text);
  /** What the walk is in: a document or a list counts its entries, an object waits for a key or for its value. */
  const stack: { pointer: string; kind: "document" | "list" | "object"; entries: number; key?: string }[] =
    [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      stack.pop();
      continue;
    }
    if (event.type === EVENT_ID.DOCUMENT) {
      stack.push({ pointer: "", kind: "document", entries: 0 });
      continue;
    }
    const within = stack.at(-1)!;
    const at = offsetOf(event);
    let pointer = within.pointer;
    if (within.kind === "list") {
      pointer += `/${within.entries++}`;
      if (at >= 0) places[pointer] = placeOf(starts, at);
    } else if (within.kind === "object") {
      if (within.key === undefined) {
        within.key = event.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : "";
        if (at >= 0) places[`${pointer}/${escapePointer(within.key)}`] = placeOf(starts, at);
        if (event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS) continue;
      } else {
        pointer += `/${escapePointer(within.key)}`;
        delete within.key;
      }
    }
    if (event.type === EVENT_ID.SEQUENCE) stack.push({ pointer, kind: "list", entries: 0 });
    if (event.type === EVENT_ID.MAPPING) stack.push({ pointer, kind: "object", entries: 0 });
  }
  return places;
}

function offsetOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) return event.start;
  return event.type === EVENT_ID.ALIAS ? event.anchorStart : -1;
}

function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function placeOf(starts: readonly number[], at: number): Place {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return [low + 1, at - starts[low]! + 1];
}
