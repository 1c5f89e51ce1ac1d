import {
  DEFAULT_RETRY,
  MOST_RETRIED,
  RETRY_NUMBERS,
  type RetryPolicy,
} from "../../platform/events/retry-policy.ts";
import type { Limits } from "../../platform/limits.ts";
import { formatMs } from "../../platform/quantity.ts";
import { MOST_CRONS } from "../../platform/settings/cron.ts";
import { SYS_KINDS } from "../../platform/settings/permissions.ts";
import { QUOTA_QUERY } from "../../platform/settings/quota.ts";
import { RETRY_MEMBERS, RETRY_QUERY } from "../../platform/settings/retry.ts";
import { ACCESS, defaultSettings, NUMBER_SETTINGS } from "../../platform/settings/settings.ts";
import { array, object, orNull, ref, type Schema, TEXT } from "./schema.ts";
import { startMembers, startParameters, startPatch } from "./start-settings.ts";
import { optionFields } from "./versions.ts";

type NumberSetting = keyof typeof NUMBER_SETTINGS;

const NAMES = Object.keys(NUMBER_SETTINGS) as NumberSetting[];
const ABOUT: Readonly<Record<NumberSetting, string>> = {
  min: "Least number of instances; with 0 an idle function stops",
  max: "Greatest number of instances",
  concurrency: "Calls of one instance at a time",
  timeoutMs: "Time until the response starts, in milliseconds",
  idleMs: "Time without calls after which a function with min 0 stops, in milliseconds",
  memoryMiB: "Memory of one instance in MiB",
};

const NET = array(TEXT, {
  maxItems: 100,
  description:
    "public, host names, addresses, IPv4 ranges or [IPv6], each with an optional :port; empty for no network",
});
const ENTRY: Schema = {
  type: "string",
  maxLength: 1_000,
  default: "",
  description:
    "Path of the main module in the source, such as src/main.ts; empty if the source determines it",
};
const HOSTS = array(
  { type: "string", maxLength: 253, pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" },
  { maxItems: 100, description: "Host names at whose root the function is served, such as app.example.com" },
);
const SECRET_NAME: Schema = { type: "string", pattern: "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$" };
const SECRET = object({ secret: SECRET_NAME, version: { type: "integer", minimum: 0 } });
const ACCESS_SCHEMA: Schema = {
  enum: ACCESS,
  default: "public",
  description: "Who may call the function: everybody, callers with a key, or no caller from outside",
};
const COUNT_LIMIT: Schema = { type: "integer", minimum: 1 };
const QUOTA_MEMBERS: Readonly<Record<string, Schema>> = {
  rate: { type: "string", pattern: "^[1-9]\\d{0,8}/[smhd]$", description: "Calls in a time, such as 100/s" },
  burst: { ...COUNT_LIMIT, description: "Calls that may come at once after a pause" },
  inFlight: { ...COUNT_LIMIT, description: "Calls at the same time, waiting ones included" },
  perMonth: { ...COUNT_LIMIT, description: "Calls in a calendar month of UTC" },
};
const CRON = array(
  { type: "string", maxLength: 260 },
  {
    maxItems: MOST_CRONS,
    description: "Cron expressions at whose times the function is called, in UTC or with TZ=ZONE in front",
  },
);
const RETRY_ABOUT: Readonly<Record<keyof RetryPolicy, string>> = {
  attempts: "Most attempts of an asynchronous call, the first included; of a delivery 12 by default",
  backoffMs:
    "Longest wait after the first attempt, in milliseconds; it doubles with each attempt, up to 5 min. Of a delivery 2 s by default",
  maxAgeMs: "Age of an asynchronous call at which no further attempt starts, in milliseconds",
  on: "Outcomes that are tried again: statuses from 400, 4xx, 5xx, connection",
};
const SYS = array({ enum: SYS_KINDS }, { maxItems: 100 });

/** The settings of a function. Values of variables are masked. */
export function settingsSchema(limits: Limits): Schema {
  return object({
    ...numbers(limits),
    env: {
      type: "object",
      additionalProperties: { const: "***" },
      description: "Names of the variables; the API never returns their values",
    },
    permissions: object({ net: NET, sys: SYS }),
    entry: ENTRY,
    hosts: HOSTS,
    secrets: {
      type: "object",
      additionalProperties: SECRET,
      description: "Variables whose values are secrets, with the version of each",
    },
    access: ACCESS_SCHEMA,
    quota: quotaSchema(),
    cron: CRON,
    retry: object({}, retryMembers()),
    ...startMembers(),
  });
}

/** The settings as a merge patch (RFC 7396): null restores the default, in `env` it removes a variable. */
export function settingsPatchSchema(limits: Limits): Schema {
  const members = Object.entries(numbers(limits)).map(([name, schema]) => [name, orNull(schema)]);
  const permissions = orNull(object({}, { net: orNull(NET), sys: orNull(SYS) }));
  const reference = object({ secret: SECRET_NAME }, { version: { type: "integer", minimum: 0 } });
  const env = {
    type: ["object", "null"],
    additionalProperties: { anyOf: [{ type: ["string", "null"] }, reference] },
  };
  const secrets = {
    type: ["object", "array", "null"],
    additionalProperties: { anyOf: [SECRET_NAME, { type: "null" }, reference] },
    items: SECRET_NAME,
  };
  const quota = quotaPatchSchema();
  const retries = Object.entries(retryMembers()).map(([name, schema]) => [name, orNull(schema)]);
  const later = { cron: orNull(CRON), retry: orNull(object({}, Object.fromEntries(retries))) };
  const access = { enum: [...ACCESS, null] };
  const texts = { entry: orNull(ENTRY), hosts: orNull(HOSTS) };
  const first = { ...Object.fromEntries(members), env, permissions, ...texts };
  return object({}, { ...first, secrets, access, quota, ...later, ...startPatch() });
}

function retryMembers(): Record<string, Schema> {
  const outcome = { type: "string", pattern: "^([45]\\d\\d|[45]xx|connection)$" };
  const numbers = Object.entries(RETRY_NUMBERS).map(([name, { least, most }]) => {
    const member = name as keyof typeof RETRY_NUMBERS;
    const range = { type: "integer", minimum: least, maximum: most, default: DEFAULT_RETRY[member] };
    return [member, { ...range, description: RETRY_ABOUT[member] }];
  });
  const on = array(outcome, {
    maxItems: MOST_RETRIED,
    default: DEFAULT_RETRY.on,
    description: RETRY_ABOUT.on,
  });
  return { ...Object.fromEntries(numbers), on };
}

export function quotaSchema(): Schema {
  return object({}, QUOTA_MEMBERS);
}

export function quotaPatchSchema(): Schema {
  const quotas = Object.entries(QUOTA_MEMBERS).map(([name, schema]) => [name, orNull(schema)]);
  return orNull(object({}, Object.fromEntries(quotas)));
}

/** A form with the source and settings, whose fields have the names of the query. */
export function formSchema(limits: Limits): Schema {
  const settings = settingParameters(limits).map(({ name, schema, description, example }) => {
    const more = { ...(description ? { description } : {}), ...(example ? { examples: [example] } : {}) };
    return [name, { ...(schema as Schema), ...more }];
  });
  const source = {
    type: "string",
    format: "binary",
    description: "The source: one file of code, or an archive",
  };
  return object({ source }, { name: ref("Name"), ...Object.fromEntries(settings), ...optionFields() });
}

/** The settings as parameters of a query. */
export function settingParameters(limits: Limits): Schema[] {
  const lists = {
    env: "KEY=VALUE; once for each variable. In a query the value is percent-encoded: & is %26, % is %25, # is %23 and a space is %20",
    net: "Destinations that the function may connect to, also separated by commas; none for no network",
    hosts: "Host names at whose root the function is served, also separated by commas; none for no name",
    sys: "Kinds of system information that the function may read, also separated by commas",
    secrets:
      "Secrets as variables: db-password is DB_PASSWORD, PGPASSWORD=db-password chooses the name; none for no secret",
  };
  return [
    ...Object.entries(numbers(limits)).map(numberParameter),
    ...Object.entries(lists).map(([name, description]) => ({
      ...{ name, in: "query", schema: array(TEXT), description, style: "form", explode: true },
    })),
    { name: "entry", in: "query", schema: ENTRY },
    { name: "access", in: "query", schema: ACCESS_SCHEMA },
    ...Object.entries(QUOTA_QUERY).map(([member, name]) => {
      const { description } = QUOTA_MEMBERS[member] as { description: string };
      const example = member === "rate" ? "100/s" : "1000";
      return { name, in: "query", schema: TEXT, example, description: `${description}; none for no limit` };
    }),
    {
      ...{ name: "cron", in: "query", schema: array(TEXT), style: "form", explode: true },
      description: `${CRON.description}; once for each, none for no time`,
    },
    ...RETRY_MEMBERS.map((member) => ({
      ...{ name: RETRY_QUERY[member], in: "query" },
      ...(member === "on" ? { schema: array(TEXT), style: "form", explode: true } : { schema: TEXT }),
      description: `${RETRY_ABOUT[member].replace(", in milliseconds", ", such as 1s")}; default resets it`,
    })),
    ...startParameters(),
  ];
}

/** The number settings with their ranges in this installation. */
function numbers(limits: Limits): Record<string, Schema> {
  const defaults = defaultSettings(limits);
  const schemas = NAMES.map((name) => {
    const { least, most } = NUMBER_SETTINGS[name];
    const maximum = name === "min" || name === "max" ? Math.min(most, limits.instancesPerFunction) : most;
    return [
      name,
      { type: "integer", minimum: least, maximum, default: defaults[name], description: ABOUT[name] },
    ];
  });
  return Object.fromEntries(schemas);
}

/** Queries have times and sizes as text with a unit, so the description has their range. */
function numberParameter([key, schema]: [string, Schema]): Schema {
  const { query, example } = NUMBER_SETTINGS[key as NumberSetting];
  if (query === key) return { name: query, in: "query", schema };
  const { minimum, maximum, default: standard } = schema as Record<string, number>;
  const show = (value = 0) => (key === "memoryMiB" ? `${value} MiB` : formatMs(value));
  const description = `From ${show(minimum)} to ${show(maximum)}; ${show(standard)} by default`;
  return { name: query, in: "query", schema: TEXT, example, description };
}
