/** The part of JSON Schema 2020-12 that Skiff's OpenAPI document uses; an unknown keyword is an error. */
interface Json {
  readonly [key: string]: unknown;
}

/** Says nothing about values. */
const ANNOTATIONS = new Set(["description", "default", "example", "examples", "title", "$schema", "$defs"]);
const FORMATS: Readonly<Record<string, RegExp>> = {
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  uri: /^https?:\/\/[^\s]+$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

/** What is wrong with `value`, one text for each fault with its place; empty if it fits the schema. */
export function schemaFaults(schema: unknown, value: unknown, root: Json, at = "$"): string[] {
  return Object.entries(schema as Json).flatMap(([keyword, rule]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`the check does not know the keyword ${keyword} (${at})`);
    return check({ rule, value, at, root, schema: schema as Json });
  });
}

interface Question {
  readonly rule: unknown;
  readonly value: unknown;
  readonly at: string;
  readonly root: Json;
  readonly schema: Json;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const fault = (holds: boolean, text: string) => (holds ? [] : [text]);

function typeOf(value: unknown): string[] {
  if (value === null) return ["null"];
  if (Array.isArray(value)) return ["array"];
  return Number.isInteger(value) ? ["integer", "number"] : [typeof value];
}

const CHECKS: Readonly<Record<string, (question: Question) => string[]>> = {
  $ref: ({ rule, value, at, root }) => {
    let target: unknown = root;
    for (const key of String(rule).slice(2).split("/")) target = (target as Json)[key];
    return schemaFaults(target, value, root, at);
  },
  allOf: ({ rule, value, at, root }) =>
    (rule as unknown[]).flatMap((each) => schemaFaults(each, value, root, at)),
  anyOf: ({ rule, value, at, root }) => {
    const faults = (rule as unknown[]).map((each) => schemaFaults(each, value, root, at));
    return faults.some((each) => each.length === 0) ? [] : [`${at} fits none: ${faults.flat().join("; ")}`];
  },
  oneOf: ({ rule, value, at, root }) => {
    const fitting = (rule as unknown[]).filter((each) => schemaFaults(each, value, root, at).length === 0);
    return fault(fitting.length === 1, `${at} fits ${fitting.length} of ${(rule as unknown[]).length}`);
  },
  // `then` and `else` are parts of `if`.
  if: ({ rule, value, at, root, schema }) => {
    const part = schemaFaults(rule, value, root, at).length === 0 ? schema.then : schema.else;
    return part === undefined ? [] : schemaFaults(part, value, root, at);
  },
  then: () => [],
  else: () => [],
  propertyNames: ({ rule, value, at, root }) =>
    isObject(value)
      ? Object.keys(value).flatMap((key) => schemaFaults(rule, key, root, `${at} has the name ${key}, which`))
      : [],
  type: ({ rule, value, at }) => {
    const types = typeOf(value);
    return fault(
      [rule].flat().some((each) => types.includes(String(each))),
      `${at} is ${types[0]}, not ${rule}`,
    );
  },
  const: ({ rule, value, at }) => fault(value === rule, `${at} is not ${rule}`),
  enum: ({ rule, value, at }) =>
    fault((rule as unknown[]).includes(value), `${at}: ${value} is none of ${rule}`),
  minimum: ({ rule, value, at }) =>
    fault(typeof value !== "number" || value >= Number(rule), `${at} < ${rule}`),
  maximum: ({ rule, value, at }) =>
    fault(typeof value !== "number" || value <= Number(rule), `${at} > ${rule}`),
  maxLength: ({ rule, value, at }) =>
    fault(typeof value !== "string" || [...value].length <= Number(rule), `${at} is longer than ${rule}`),
  pattern: ({ rule, value, at }) =>
    fault(
      typeof value !== "string" || new RegExp(String(rule)).test(value),
      `${at}: ${value} is not ${rule}`,
    ),
  format: ({ rule, value, at }) => {
    const format = FORMATS[String(rule)];
    if (format === undefined) throw new Error(`the check does not know the format ${rule} (${at})`);
    return fault(typeof value !== "string" || format.test(value), `${at}: ${value} is no ${rule}`);
  },
  maxItems: ({ rule, value, at }) =>
    fault(!Array.isArray(value) || value.length <= Number(rule), `${at} has over ${rule} items`),
  items: ({ rule, value, at, root }) =>
    Array.isArray(value)
      ? value.flatMap((each, index) => schemaFaults(rule, each, root, `${at}[${index}]`))
      : [],
  required: ({ rule, value, at }) =>
    isObject(value)
      ? (rule as string[]).flatMap((key) => fault(Object.hasOwn(value, key), `${at}.${key} is missing`))
      : [],
  properties: ({ rule, value, at, root }) =>
    isObject(value)
      ? Object.entries(rule as Json)
          .filter(([key]) => Object.hasOwn(value, key))
          .flatMap(([key, schema]) => schemaFaults(schema, value[key], root, `${at}.${key}`))
      : [],
  additionalProperties: ({ rule, value, at, root, schema }) => {
    if (!isObject(value)) return [];
    const known = Object.keys((schema.properties as Json | undefined) ?? {});
    const others = Object.keys(value).filter((key) => !known.includes(key));
    if (rule === false) return others.map((key) => `${at}.${key} is not documented`);
    return others.flatMap((key) => schemaFaults(rule, value[key], root, `${at}.${key}`));
  },
};
