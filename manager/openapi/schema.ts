/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

export const TEXT: Schema = { type: "string" };
export const FLAG: Schema = { type: "boolean" };
export const COUNT: Schema = { type: "integer", minimum: 0 };
export const INSTANT: Schema = { type: "string", format: "date-time" };
export const COMMIT_ID: Schema = { type: "string", pattern: "^[0-9a-f]{40}$" };

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function array(items: Schema, more: Schema = {}): Schema {
  return { type: "array", items, ...more };
}

/** An object without further members. */
export function object(members: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  const required = Object.keys(members);
  return { type: "object", properties: { ...members, ...optional }, required, additionalProperties: false };
}

/** The same, or null. */
export function orNull(schema: Schema): Schema {
  if (Array.isArray(schema.enum)) return { ...schema, enum: [...schema.enum, null] };
  return { ...schema, type: [schema.type, "null"].flat() };
}
