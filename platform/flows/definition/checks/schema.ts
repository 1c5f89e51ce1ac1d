import { isRecord, shown } from "../../../settings/invalid-setting.ts";
import type { Fault, JsonSchema, Path, Place } from "../reading/place.ts";
import { meant } from "../reading/values.ts";

const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];
const KEYWORDS = [
  ...["type", "properties", "required", "items", "prefixItems", "enum", "const", "description", "default"],
  ...["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "title"],
  ...[
    "additionalProperties",
    "patternProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "$ref",
    "$defs",
    "examples",
  ],
];
/** Members whose own members are names that people choose. */
const NAMED = ["properties", "patternProperties", "$defs", "dependentSchemas", "dependentRequired"];
const VALUES = ["const", "default", "enum", "examples"];

/** Records why the schema of the input cannot be used, at the keyword. */
export function checkInputSchema(place: Place, schema: JsonSchema): void {
  const reason = place.reading.checkSchema?.(schema);
  if (reason !== undefined) place.reading.faults.push(faultOf(place, schema, reason));
}

function faultOf(place: Place, schema: JsonSchema, reason: string): Fault {
  const [, keyword] = /^unknown keyword: "(.+)"$/.exec(reason) ?? [];
  const path = keyword === undefined ? undefined : pathOf(schema, keyword);
  if (keyword !== undefined && path !== undefined) {
    const message = `"${keyword}" is not a keyword of JSON Schema.${meant(keyword, KEYWORDS)}`;
    return { path: [...place.path, ...path], message, isKey: true };
  }
  const [, pointer, rule] = /\bdata(\/[^\s,]*) (must [^,]*)/.exec(reason) ?? [];
  if (pointer !== undefined) {
    const parts = pointer.split("/").slice(1);
    const full = [...place.path, ...parts];
    const value = parts.reduce<unknown>(
      (at, part) => (at as Record<string, unknown> | undefined)?.[part],
      schema,
    );
    const isType = parts.at(-1) === "type" && typeof value === "string";
    const advice = isType ? `use one of ${TYPES.join(", ")}.${meant(value, TYPES)}` : `it ${rule}.`;
    return { path: full, message: `${full.join(".")} is ${shown(value)}: ${advice}` };
  }
  return { path: place.path, message: `${place.name} is not a JSON Schema (draft 2020-12): ${reason}.` };
}

/** Returns where a schema has this keyword. */
function pathOf(schema: unknown, keyword: string): Path | undefined {
  if (Array.isArray(schema)) return firstOf(Object.entries(schema), keyword);
  if (!isRecord(schema)) return undefined;
  if (Object.hasOwn(schema, keyword)) return [keyword];
  for (const [key, value] of Object.entries(schema)) {
    if (VALUES.includes(key)) continue;
    const isNamed = NAMED.includes(key) && isRecord(value);
    const found = isNamed ? firstOf(Object.entries(value), keyword) : pathOf(value, keyword);
    if (found !== undefined) return [key, ...found];
  }
  return undefined;
}

function firstOf(members: readonly (readonly [string, unknown])[], keyword: string): Path | undefined {
  for (const [key, value] of members) {
    const found = pathOf(value, keyword);
    if (found !== undefined) return [key, ...found];
  }
  return undefined;
}
