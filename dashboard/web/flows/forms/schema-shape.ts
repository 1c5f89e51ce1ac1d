/** A JSON Schema with what a form needs. */
export type Schema = Readonly<Record<string, unknown>>;

/** How a member is edited. */
export type Control = "choice" | "number" | "text" | "texts" | "list" | "value";

/** Resolves a reference; the description beside it wins. */
export function resolved(root: Schema, schema: unknown): Schema {
  if (!isSchema(schema)) return {};
  const name = typeof schema.$ref === "string" ? schema.$ref.split("/").at(-1)! : undefined;
  const target = name === undefined ? undefined : (root.$defs as Readonly<Record<string, unknown>>)[name];
  const { $ref: _, ...own } = schema;
  return target === undefined ? schema : { ...resolved(root, target), ...own };
}

export function propertiesOf(root: Schema, schema: unknown): Readonly<Record<string, Schema>> {
  const whole = resolved(root, schema);
  const forms = Array.isArray(whole.anyOf) ? whole.anyOf.map((form) => resolved(root, form)) : [];
  const all = [whole, ...forms].flatMap(({ properties }) =>
    isSchema(properties) ? Object.entries(properties) : [],
  );
  return Object.fromEntries(all.map(([key, member]) => [key, resolved(root, member)]));
}

export function controlOf(root: Schema, schema: Schema): Control {
  const forms = Array.isArray(schema.anyOf) ? schema.anyOf.map((form) => resolved(root, form)) : [];
  if (Array.isArray(schema.enum)) return "choice";
  if (schema.type === "integer") return "number";
  if (schema.type === "array" || forms.some(({ type }) => type === "array")) return "list";
  if (schema.type === "object") return "texts";
  return schema.type === undefined && forms.length === 0 ? "value" : "text";
}

export function descriptionOf(schema: Schema): string | undefined {
  return typeof schema.description === "string" ? schema.description : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
