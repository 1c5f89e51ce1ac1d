import { flowSchema } from "../../../../platform/flows/definition/schema/flow-schema.ts";
import { contextAt } from "./context.ts";
import { isObject } from "./outline.ts";

/** What is there to be named. */
export interface Names {
  readonly functions: readonly string[];
  readonly flows: readonly string[];
  readonly topics: readonly string[];
  readonly steps: readonly string[];
}

export interface Completions {
  /** Where the word begins that is replaced. */
  readonly from: number;
  readonly options: readonly Completion[];
}

export interface Completion {
  readonly label: string;
  readonly kind: "property" | "enum" | "function" | "variable" | "class";
  readonly info?: string;
  /** What is written in place of the label. */
  readonly apply?: string;
}

type Schema = Readonly<Record<string, unknown>>;

const SCHEMA: Schema = flowSchema();
/** Members of expressions. */
const VARIABLES = [
  "input",
  "steps",
  "run",
  "trigger",
  "item",
  "index",
  "iteration",
  "last",
  "output",
  "error",
];

/** Returns what can be written at a place of a text; undefined: nothing is known. */
export function completionsAt(text: string, offset: number, names: Names): Completions | undefined {
  const expression = /\$\{(?:[^}]*[^\w.])?([\w.]*)$/.exec(
    text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset),
  );
  if (expression !== null) return inExpression(expression[1]!, offset, names);
  const context = contextAt(text, offset);
  const schemas = schemasAt(context.path);
  const options = context.isKey
    ? keysOf(schemas, context.taken)
    : [...enumsOf(schemas), ...namesFor(context.path, names)];
  return options.length === 0 ? undefined : { from: context.from, options };
}

function inExpression(word: string, offset: number, { steps }: Names): Completions {
  const [, step, rest] = /^steps\.(?:(\w+)\.)?(\w*)$/.exec(word) ?? [];
  if (step !== undefined) {
    const options = ["output", "state", "error"].map((label) => ({ label, kind: "property" as const }));
    return { from: offset - rest!.length, options };
  }
  if (word.startsWith("steps.")) {
    return {
      from: offset - rest!.length,
      options: steps.map((label) => ({ label, kind: "variable" as const })),
    };
  }
  return {
    from: offset - word.length,
    options: VARIABLES.map((label) => ({ label, kind: "variable" as const })),
  };
}

/** All schemas that may hold at a path. */
export function schemasAt(path: readonly string[]): readonly Schema[] {
  let schemas = formsOf(SCHEMA);
  for (const key of path) schemas = schemas.flatMap((schema) => memberOf(schema, key)).flatMap(formsOf);
  return schemas;
}

/** A schema with its references resolved, and each of its forms. */
function formsOf(schema: unknown): readonly Schema[] {
  if (!isObject(schema)) return [];
  const name = typeof schema.$ref === "string" ? schema.$ref.split("/").at(-1)! : undefined;
  const target = name === undefined ? undefined : (SCHEMA.$defs as Readonly<Record<string, Schema>>)[name];
  const { $ref: _, ...own } = schema;
  const whole = target === undefined ? schema : { ...target, ...own };
  const forms = Array.isArray(whole.anyOf) ? whole.anyOf.flatMap(formsOf) : [];
  return [whole, ...forms];
}

function memberOf({ properties, additionalProperties, items }: Schema, key: string): readonly unknown[] {
  if (/^\d+$/.test(key) && items !== undefined) return [items];
  if (isObject(properties) && Object.hasOwn(properties, key)) return [properties[key]];
  return isObject(additionalProperties) ? [additionalProperties] : [];
}

function keysOf(schemas: readonly Schema[], taken: readonly string[]): Completion[] {
  const all = schemas.flatMap(({ properties }) => Object.entries(isObject(properties) ? properties : {}));
  return [...new Map(all)]
    .filter(([key]) => !taken.includes(key))
    .map(([key, schema]) => ({ label: key, kind: "property", apply: `${key}: `, ...infoOf(schema) }));
}

function enumsOf(schemas: readonly Schema[]): Completion[] {
  const values = schemas.flatMap(({ enum: values, const: value }) => [
    ...(Array.isArray(values) ? (values as unknown[]) : []),
    ...(value === undefined ? [] : [value]),
  ]);
  return [...new Set(values)].map((value) => ({ label: String(value), kind: "enum" }));
}

function infoOf(schema: unknown): { readonly info?: string } {
  const [info] = formsOf(schema).flatMap(({ description }) =>
    typeof description === "string" ? description : [],
  );
  return info === undefined ? {} : { info };
}

/** Names that fit a place. */
function namesFor(path: readonly string[], { functions, flows, topics, steps }: Names): Completion[] {
  const keys = path.filter((key) => !/^\d+$/.test(key));
  const [last, parent] = [keys.at(-1), keys.at(-2)];
  const isStep = keys[0] === "steps" || keys[0] === "finally";
  const named = (list: readonly string[], kind: Completion["kind"]) => list.map((label) => ({ label, kind }));
  if (last === "respond" || (isStep && (last === "needs" || last === "else" || last === "then")))
    return named(steps, "variable");
  if (isStep && (last === "fn" || (last === "name" && parent === "fn"))) return named(functions, "function");
  if (isStep && last === "flow") return named(flows, "class");
  if (last === "topic" || last === "publish" || (last === "event" && parent === "wait"))
    return named(topics, "class");
  return [];
}
