/** A JSON Schema, draft 2020-12. */
export type EditorSchema = Readonly<Record<string, unknown>>;

/** What each member is, for people who point at it in an editor. */
export function members(
  properties: Readonly<Record<string, EditorSchema>>,
  required: readonly string[] = [],
): EditorSchema {
  return {
    type: "object",
    properties,
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/** Adds what people read to a schema. */
export function described(description: string, schema: EditorSchema): EditorSchema {
  return { description, ...schema };
}

export function ref(name: string): EditorSchema {
  return { $ref: `#/$defs/${name}` };
}

export function oneOf(...words: readonly string[]): EditorSchema {
  return { enum: words };
}

/** A list, or one value in its place. */
export function oneOrMore(items: EditorSchema): EditorSchema {
  return { anyOf: [items, { type: "array", items }] };
}

/** The short form, or the long one. */
export function either(...forms: readonly EditorSchema[]): EditorSchema {
  return { anyOf: forms };
}

export function whole(minimum: number, maximum?: number): EditorSchema {
  return { type: "integer", minimum, ...(maximum !== undefined && { maximum }) };
}

export const TEXT: EditorSchema = { type: "string" };
export const ANY: EditorSchema = {};
