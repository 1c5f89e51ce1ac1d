import type { Limits } from "../../platform/limits.ts";
import { START_QUERY } from "../../platform/settings/start.ts";
import { OBJECT_MEMBERS } from "../files/manifest/declared.ts";
import { specSchemas } from "./events/schemas.ts";
import type { Schema } from "./schema.ts";
import { settingParameters, settingsPatchSchema } from "./settings.ts";
import { routeRules } from "./versions.ts";

const NAME = "^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$";
const MESSAGE: Schema = { type: "string", maxLength: 1_000, description: "What the deploy is about" };
const IMAGE: Schema = {
  type: "string",
  maxLength: 512,
  description: "Image that takes the place of a source, such as docker.io/library/nginx:1.27",
};
const WEIGHT: Schema = {
  type: "integer",
  minimum: 0,
  maximum: 1_000_000,
  description: "Share of the calls beside the weights of the other versions; 0 for none",
};
/** Lists in a query that are objects or lists in a file. */
const IN_FILES: Readonly<Record<string, Schema>> = {
  env: { description: 'Variables, as NAME: "value"; "***" keeps the value of the current version' },
  secrets: { description: "Secrets as variables: a list of secrets, or VARIABLE: secret" },
};

/** Settings that are 0 or 1 in a query, and in a file also true or false. */
const FLAGS: readonly string[] = [START_QUERY.cgi, START_QUERY.stdio];

/** Returns the JSON Schema of a `skiff.yaml`, for editors: of the rows that the settings in OpenAPI come from. */
export function manifestSchema(limits: Limits): Schema {
  const settings = { ...querySettings(limits), ...jsonSettings(limits) };
  const members = (more: Record<string, Schema>): Schema => ({
    type: "object",
    properties: { ...more, ...settings },
    additionalProperties: false,
  });
  const source: Schema = {
    type: "string",
    description: "Path of the file or folder of the source; NAME.ts or NAME/ by default",
  };
  const version = members({ weight: WEIGHT, source, image: IMAGE, message: MESSAGE });
  const versions = {
    type: "array",
    items: { $ref: "#/$defs/version" },
    description: "Versions that share the calls, instead of one source with its settings",
  };
  const own = { source, image: IMAGE, message: MESSAGE, ...subscribed(), versions, ...routeRules() };
  const entry = { ...members(own), type: ["object", "string", "null"] };
  const listed = members({ name: { $ref: "#/$defs/name" }, ...own });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "skiff.yaml",
    description:
      "Functions, topics, flows, subscriptions and schedules of Skiff by name, or the settings of one function",
    if: { anyOf: ["functions", ...OBJECT_MEMBERS].map((member) => ({ required: [member] })) },
    then: {
      type: "object",
      properties: {
        defaults: { ...members({}), description: "Settings of every function that does not declare them" },
        functions: {
          description: "The functions by name",
          anyOf: [
            {
              type: ["object", "null"],
              propertyNames: { $ref: "#/$defs/name" },
              additionalProperties: { $ref: "#/$defs/function" },
            },
            { type: "array", items: { $ref: "#/$defs/listed" } },
          ],
        },
        topics: named("TopicSpec", "Logs of events"),
        flows: {
          type: ["object", "null"],
          propertyNames: { $ref: "#/$defs/EventName" },
          additionalProperties: {
            type: ["string", "object", "null"],
            description: "Path of the text, by default NAME.flow.yaml, or the members of the flow",
          },
          description: "Graphs of steps that are run durably",
        },
        subscriptions: named("SubscriptionSpec", "What gets the events of topics"),
        schedules: named("ScheduleSpec", "What happens at which times"),
        image: { description: "Of Kubefuncs; ignored" },
      },
      additionalProperties: false,
    },
    else: members({ name: { $ref: "#/$defs/name" }, image: IMAGE, message: MESSAGE }),
    $defs: {
      name: { type: "string", pattern: NAME, description: "Name of the function" },
      function: entry,
      version: { ...version, required: ["weight"] },
      ...eventDefinitions(),
      listed: { ...listed, required: ["name"], additionalProperties: true },
    },
  };
}

/** Members of a function that stand for a subscription. */
function subscribed(): Record<string, Schema> {
  return {
    topic: { type: ["string", "null"], description: "Subscribes the function, under its own name" },
    channel: { type: ["string", "null"], description: "Group of that subscription; the function by default" },
  };
}

function named(spec: string, description: string): Schema {
  const schema = { $ref: `#/$defs/${spec}` };
  return {
    type: ["object", "null"],
    propertyNames: { $ref: "#/$defs/EventName" },
    // A topic has nothing that must be said.
    additionalProperties: spec === "TopicSpec" ? { anyOf: [schema, { type: "null" }] } : schema,
    description,
  };
}

/** The specs of OpenAPI, with what they refer to. */
function eventDefinitions(): Record<string, Schema> {
  const definitions = { ...specSchemas(), Name: { $ref: "#/$defs/name" } };
  const text = JSON.stringify(definitions).replaceAll("#/components/schemas/", "#/$defs/");
  return JSON.parse(text) as Record<string, Schema>;
}

/** The settings by their names in a query, which a file may write as texts, numbers or lists. */
function querySettings(limits: Limits): Record<string, Schema> {
  const rows = settingParameters(limits).map((parameter) => {
    const { name, schema, description, example } = parameter as { name: string } & Record<string, Schema>;
    const isList = (schema as { type?: string }).type === "array";
    const type = isList ? ["array", "string", "null"] : ["string", "number", "null"];
    const isText = !isList && (schema as { type?: string }).type === "string";
    const shape: Schema = FLAGS.includes(name)
      ? { enum: [true, false, 0, 1, "0", "1", null] }
      : isList || isText
        ? { type }
        : orNull(schema!);
    const described = description ?? (schema as { description?: string }).description;
    return [
      name,
      {
        ...shape,
        ...(described ? { description: described } : {}),
        ...(example ? { examples: [example] } : {}),
      },
    ] as const;
  });
  return Object.fromEntries(rows);
}

/** The settings by their names in JSON, which win where a name is in both. */
function jsonSettings(limits: Limits): Record<string, Schema> {
  const { properties } = settingsPatchSchema(limits) as { properties: Record<string, Schema> };
  const all = Object.entries(properties).map(([name, schema]) => [name, { ...schema, ...IN_FILES[name] }]);
  return Object.fromEntries(all);
}

function orNull(schema: Schema): Schema {
  if (Array.isArray(schema.enum)) return { ...schema, enum: [...new Set([...schema.enum, null])] };
  return { ...schema, type: [schema.type, "null"].flat() };
}
