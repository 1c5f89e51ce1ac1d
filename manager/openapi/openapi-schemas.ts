import type { Limits } from "../../platform/limits.ts";
import { PROBLEMS } from "../../platform/problems.ts";
import { defaultSettings, NUMBER_SETTINGS, SYS_KINDS } from "../../platform/settings.ts";

/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

const NAME: Schema = {
  type: "string",
  pattern: "^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$",
  description: "1 to 52 characters",
};
const INSTANT: Schema = { type: "string", format: "date-time" };
const COUNT: Schema = { type: "integer", minimum: 0 };
const TEXT: Schema = { type: "string" };
const HASH: Schema = {
  type: "string",
  pattern: "^[0-9a-f]{64}$",
  description: "SHA-256 of source and settings",
};

export type NumberSetting = keyof typeof NUMBER_SETTINGS;

const ABOUT: Readonly<Record<NumberSetting, string>> = {
  min: "Instances that are always there; 0 lets an idle function stop",
  max: "Most instances",
  concurrency: "Calls that one instance takes at a time",
  timeoutMs: "Time until the response starts, in milliseconds",
  idleMs: "Time without a call after which a function with min 0 stops, in milliseconds",
  memoryMiB: "Memory of one instance in MiB",
};

/** A setting that is a number, with its range in this installation. */
export function numberSetting(name: NumberSetting, limits: Limits): Schema {
  const { least, most } = NUMBER_SETTINGS[name];
  const bound = name === "min" || name === "max" ? Math.min(most, limits.instancesPerFunction) : most;
  const standard = defaultSettings(limits)[name];
  return { type: "integer", minimum: least, maximum: bound, default: standard, description: ABOUT[name] };
}

/** Everything under `components.schemas`. */
export function schemas(limits: Limits): Record<string, Schema> {
  return {
    Name: NAME,
    Settings: settings(limits),
    SettingsPatch: settingsPatch(limits),
    Deployed: object({
      name: ref("Name"),
      version: version(),
      url: url(),
      created: flag(),
      unchanged: flag(),
    }),
    FunctionSummary: object(summary()),
    FunctionPage: object({
      functions: { type: "array", items: ref("FunctionSummary"), maxItems: limits.pageSize },
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    FunctionDescription: description(),
    Removed: object({ success: { const: true } }),
    SourceError: object({ message: TEXT, file: TEXT, line: COUNT, column: COUNT, lineText: TEXT }),
    Problem: problem(),
  };
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** An object of exactly these members; those of `optional` may be absent. */
function object(members: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  const required = Object.keys(members);
  return { type: "object", properties: { ...members, ...optional }, required, additionalProperties: false };
}

function version(): Schema {
  return { type: "integer", minimum: 1 };
}

function url(): Schema {
  return { type: "string", format: "uri", description: "Where the function is called" };
}

function flag(): Schema {
  return { type: "boolean" };
}

function numbers(limits: Limits): [NumberSetting, Schema][] {
  const names = Object.keys(NUMBER_SETTINGS) as NumberSetting[];
  return names.map((name) => [name, numberSetting(name, limits)]);
}

const NET: Schema = {
  type: "array",
  items: TEXT,
  maxItems: 100,
  description:
    "public, host names, addresses, IPv4 ranges, [IPv6], with :port if wanted; empty for no network",
};
const SYS: Schema = { type: "array", items: { enum: SYS_KINDS }, maxItems: 100 };

function settings(limits: Limits): Schema {
  return object({
    ...Object.fromEntries(numbers(limits)),
    env: {
      type: "object",
      additionalProperties: { const: "***" },
      description: "Names of the variables; their values are never shown",
    },
    permissions: object({ net: NET, sys: SYS }),
  });
}

/** RFC 7396: null sets back to the default, in `env` it removes the variable. */
function settingsPatch(limits: Limits): Schema {
  const permissions = object({}, { net: orNull(NET), sys: orNull(SYS) });
  return object(
    {},
    {
      ...Object.fromEntries(numbers(limits).map(([name, schema]) => [name, orNull(schema)])),
      env: { type: ["object", "null"], additionalProperties: { type: ["string", "null"] } },
      permissions: orNull(permissions),
    },
  );
}

function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema.type, "null"] };
}

function summary(): Record<string, Schema> {
  const instants = { createdAt: INSTANT, updatedAt: INSTANT };
  return { name: ref("Name"), version: version(), hash: HASH, ...instants, ready: COUNT, url: url() };
}

function description(): Schema {
  const instance = object(
    {
      id: TEXT,
      version: version(),
      state: { enum: ["starting", "ready", "draining"] },
      startedAt: INSTANT,
    },
    { memoryMiB: { type: "number", minimum: 0 } },
  );
  return object(
    {
      ...summary(),
      settings: ref("Settings"),
      traffic: {
        type: "array",
        items: object({ version: version(), weight: { type: "integer", minimum: 1 } }),
        description: "The versions that take calls, each with its part of the sum of all weights",
      },
      versions: { type: "array", items: object({ version: version(), hash: HASH, createdAt: INSTANT }) },
      instances: { type: "array", items: instance },
      lastErrors: { type: "array", items: object({ at: INSTANT, message: TEXT }) },
    },
    {
      notReady: { type: "string", description: "Why no instance is ready although one should be" },
      isolation: {
        ...object({ files: TEXT, network: TEXT }),
        description: "What holds its instances in, and why nothing better does",
      },
    },
  );
}

function problem(): Schema {
  return object(
    {
      type: { type: "string", format: "uri" },
      title: TEXT,
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string", description: "What is wrong and what to do about it" },
      code: { enum: Object.keys(PROBLEMS) },
      callId: { type: "string", format: "uuid" },
    },
    {
      retryAfterS: { type: "number", description: "Seconds after which trying again may help" },
      setting: { type: "string", description: "The setting or limit that the error is about" },
      errors: { type: "array", items: ref("SourceError") },
      log: { type: "array", items: TEXT, description: "Last lines that the function printed" },
    },
  );
}
