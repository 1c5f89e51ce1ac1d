import { ANY, BOOL, NUMBER, type Shape, TEXT } from "./shape.ts";

type Schema = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 20;

const KEYWORDS_BEYOND_TYPES = ["$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"];

/**
 * What a JSON schema says of a value. A schema that lists properties and says nothing of `additionalProperties` allows others; expressions
 * nevertheless know only the listed ones, since any other is most likely misspelt. `additionalProperties: true` allows them here too.
 */
export function shapeOfSchema(schema: unknown, depth = 0): Shape {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return ANY;
  const known = schema as Schema;
  if (KEYWORDS_BEYOND_TYPES.some((keyword) => keyword in known)) return ANY;
  switch (known.type ?? (known.properties === undefined ? undefined : "object")) {
    case "object":
      return shapeOfObject(known, depth);
    case "array":
      return { kind: "list", items: shapeOfSchema(known.items, depth + 1) };
    case "string":
      return TEXT;
    case "number":
    case "integer":
      return NUMBER;
    case "boolean":
      return BOOL;
    default:
      return ANY;
  }
}

function shapeOfObject(schema: Schema, depth: number): Shape {
  const { properties, additionalProperties, patternProperties } = schema;
  if (typeof properties !== "object" || properties === null) return { kind: "map" };
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, shapeOfSchema(property, depth + 1)]),
  );
  const allowsOthers = additionalProperties !== undefined && additionalProperties !== false;
  return { kind: "map", members, isClosed: !allowsOthers && patternProperties === undefined };
}
