export interface InputField {
  readonly name: string;
  readonly description?: string;
  /** How a text becomes its value. */
  readonly kind: "text" | "number" | "json";
  readonly isRequired: boolean;
}

interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, { readonly type?: unknown; readonly description?: unknown }>>;
  readonly required?: readonly string[];
}

/** Returns the fields of an object that a JSON Schema describes; undefined for other inputs, which are JSON. */
export function inputFields(schema: unknown): readonly InputField[] | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  const { type, properties, required = [] } = schema as Schema;
  if (type !== "object" || properties === undefined) return undefined;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    kind: kindOf(property.type),
    isRequired: required.includes(name),
    ...(typeof property.description === "string" ? { description: property.description } : {}),
  }));
}

/**
 * Makes the input of what somebody typed. A field without a text is left out.
 * @throws Error for a text that is no JSON where it has to be
 */
export function inputOf(
  fields: readonly InputField[],
  values: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const members = fields.flatMap(({ name, kind, isRequired }) => {
    const text = values[name] ?? "";
    if (text === "" && !(isRequired && kind === "text")) return [];
    return [[name, parsed(name, text, kind)]];
  });
  return Object.fromEntries(members) as Record<string, unknown>;
}

function kindOf(type: unknown): InputField["kind"] {
  if (type === "string") return "text";
  return type === "number" || type === "integer" ? "number" : "json";
}

function parsed(name: string, text: string, kind: InputField["kind"]): unknown {
  if (kind === "text") return text;
  if (kind === "number") return Number(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`${name} is not JSON: ${(error as Error).message}`);
  }
}
