import type { RetrySettings } from "../events/retry-policy.ts";
import type { Limits } from "../limits.ts";
import { parseBytes, parseDurationMs } from "../quantity.ts";
import { checkCron } from "./cron.ts";
import { envFromQuery, mergeEnvironment, type SecretRef, secretsFromQuery } from "./environment.ts";
import { isHostName } from "./host-names.ts";
import { invalid, shorten, shown, unknownSetting } from "./invalid-setting.ts";
import { DEFAULT_PERMISSIONS, mergePermissions, type Permissions, permissionsAfter } from "./permissions.ts";
import { splitEntries, unlessNone } from "./query-list.ts";
import { mergeQuota, QUOTA_QUERY, type Quota, quotaFromQuery } from "./quota.ts";
import { mergeRetry, RETRY_MEMBERS, RETRY_QUERY, retryFromQuery } from "./retry.ts";
import { START_DEFAULTS, START_NAMES, type StartSettings, startedBy } from "./runtime.ts";
import { checkStart, mergeStart, START_QUERY, startFromQuery, startName } from "./start.ts";

/** Configuration of one function; part of its version. */
export interface Settings extends StartSettings {
  /** Instances that always run; 0 lets an idle function stop. */
  readonly min: number;
  readonly max: number;
  /** Calls that one instance runs at a time. */
  readonly concurrency: number;
  /** Longest time from the arrival of a call to the start of its response. */
  readonly timeoutMs: number;
  /** Time without a call after which a function with `min` 0 stops. */
  readonly idleMs: number;
  readonly memoryMiB: number;
  /** The whole environment of the function. */
  readonly env: Readonly<Record<string, string>>;
  readonly permissions: Permissions;
  /** Path of the main module in the source; empty if the source determines it. */
  readonly entry: string;
  /** Host names at whose root the function is served. */
  readonly hosts: readonly string[];
  /** Variables whose values are secrets. */
  readonly secrets: Readonly<Record<string, SecretRef>>;
  /** Who may call the function. */
  readonly access: FunctionAccess;
  /** What its calls may use; empty for no limit. */
  readonly quota: Quota;
  /** When it is called without a caller: cron expressions, each with `TZ=ZONE ` in front for another zone than UTC. */
  readonly cron: readonly string[];
  /** When asynchronous calls are tried again; absent members are those of `DEFAULT_RETRY`. */
  readonly retry: RetrySettings;
}

/** `key`: callers with a key of the scope `call`. `internal`: no caller from outside. */
export type FunctionAccess = (typeof ACCESS)[number];
export const ACCESS = ["public", "key", "internal"] as const;

/** Changes to settings; absent ones stay. `null` restores the default, and removes a variable of `env`. */
export interface SettingsPatch {
  readonly [key: string]: unknown;
}

const count = (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const time = parseDurationMs;

/** Parses a number of MiB (`256`) or a quantity (`256Mi`, `1Gi`). */
function memory(text: string): number | undefined {
  const bytes = /^\d+$/.test(text) ? Number(text) * 1024 ** 2 : parseBytes(text);
  return bytes === undefined ? undefined : Math.ceil(bytes / 1024 ** 2);
}

/** The settings in docs/settings.md and OpenAPI are these rows. The limit of instances bounds `min` and `max` further. */
export const NUMBER_SETTINGS = {
  min: { query: "min", parse: count, default: 0, least: 0, most: 1_000, example: "0" },
  max: { query: "max", parse: count, default: 10, least: 1, most: 1_000, example: "10" },
  concurrency: { query: "concurrency", parse: count, default: 100, least: 1, most: 10_000, example: "100" },
  timeoutMs: { query: "timeout", parse: time, default: 60_000, least: 100, most: 3_600_000, example: "30s" },
  idleMs: { query: "idle", parse: time, default: 300_000, least: 100, most: 86_400_000, example: "5m" },
  memoryMiB: { query: "memory", parse: memory, default: 128, least: 64, most: 65_536, example: "256Mi" },
} as const;

type NumberSetting = keyof typeof NUMBER_SETTINGS;
const NUMBERS = Object.keys(NUMBER_SETTINGS) as NumberSetting[];

const QUOTA_MEMBERS = Object.keys(QUOTA_QUERY) as (keyof Quota)[];
const LIST_ENTRIES = 100;
const ENTRY_BYTES = 1_000;
/** The settings in JSON. */
export const JSON_NAMES: readonly string[] = [
  ...NUMBERS,
  ...["env", "permissions", "entry", "hosts", "secrets", "access", "quota", "cron", "retry"],
  ...START_NAMES,
];
/** The settings in a query. */
export const QUERY_NAMES: readonly string[] = [
  ...NUMBERS.map((key) => NUMBER_SETTINGS[key].query),
  "env",
  "net",
  "sys",
  "entry",
  "hosts",
  "secrets",
  "access",
  ...Object.values(QUOTA_QUERY),
  "cron",
  ...Object.values(RETRY_QUERY),
  ...Object.values(START_QUERY),
];

export function defaultSettings(limits: Limits): Settings {
  const numbers = Object.fromEntries(NUMBERS.map((key) => [key, NUMBER_SETTINGS[key].default]));
  const max = Math.min(NUMBER_SETTINGS.max.most, limits.instancesPerFunction);
  return {
    ...(numbers as Record<NumberSetting, number>),
    max,
    env: {},
    permissions: DEFAULT_PERMISSIONS,
    ...LATER,
  };
}

/** The defaults of the settings that versions of an older Skiff may lack. */
const LATER = {
  entry: "",
  hosts: [],
  secrets: {},
  access: "public",
  quota: {},
  cron: [],
  retry: {},
  ...START_DEFAULTS,
} as const;

/** Reads stored settings. Those of an older Skiff lack what did not exist then. */
export function parseSettings(json: string): Settings {
  return { ...LATER, ...(JSON.parse(json) as Omit<Settings, keyof typeof LATER>) };
}

/**
 * Parses settings in a query string: `min=0&timeout=30s&env=KEY=VALUE&net=api.example.com,10.0.0.7:5432`.
 * @throws Problem `invalid_setting`
 */
export function settingsFromQuery(query: URLSearchParams): SettingsPatch {
  const patch: Record<string, unknown> = {};
  const permissions: Record<string, unknown> = {};
  const quota: Record<string, unknown> = {};
  const retry: Record<string, unknown> = {};
  const program: Record<string, unknown> = {};
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    const member = QUOTA_MEMBERS.find((each) => QUOTA_QUERY[each] === key);
    const retried = RETRY_MEMBERS.find((each) => RETRY_QUERY[each] === key);
    const row = NUMBERS.find((name) => NUMBER_SETTINGS[name].query === key);
    const start = startName(key);
    if (row !== undefined) patch[row] = numberFromText(row, values);
    else if (key === "env") patch.env = envFromQuery(values);
    else if (key === "net" || key === "sys") permissions[key] = listFromQuery(key, values);
    else if (key === "entry") patch.entry = onlyValue(key, values);
    else if (key === "hosts") patch.hosts = listFromQuery(key, values);
    else if (key === "secrets") patch.secrets = secretsOrNone(listFromQuery(key, values));
    else if (key === "access") patch.access = onlyValue(key, values);
    else if (member !== undefined) quota[member] = quotaFromQuery(member, values);
    // Expressions contain commas, so each has a parameter of its own.
    else if (key === "cron") patch.cron = unlessNone(key, values);
    else if (retried !== undefined) retry[retried] = retryFromQuery(retried, values);
    else if (start !== undefined) {
      const { program: members = {}, ...others } = startFromQuery(start, values);
      for (const [part, value] of Object.entries(members as Record<string, unknown>)) {
        if ((program[part] ?? value) !== value)
          throw invalid(key, "stdio and mode contradict each other: keep one.");
        program[part] = value;
      }
      Object.assign(patch, others);
    } else throw unknownSetting(key, QUERY_NAMES);
  }
  const parts = Object.entries({ permissions, quota, retry, program });
  return { ...patch, ...Object.fromEntries(parts.filter(([, part]) => Object.keys(part).length > 0)) };
}

/** The list `none` removes all of them. */
function secretsOrNone(entries: readonly string[]): Record<string, string> | null {
  return entries.length === 0 ? null : secretsFromQuery(entries);
}

/**
 * Merges `patch` into `current` as in RFC 7396 and checks the result.
 * @throws Problem `invalid_setting` naming the setting
 */
export function applySettings(current: Settings, patch: SettingsPatch, limits: Limits): Settings {
  return checkTogether(mergeSettings(current, patch, limits));
}

/**
 * Merges `patch` into `current` and checks every value by itself. `checkTogether` follows the last of several patches.
 * @throws Problem `invalid_setting` naming the setting
 */
export function mergeSettings(current: Settings, patch: SettingsPatch, limits: Limits): Settings {
  const defaults = defaultSettings(limits);
  const start = mergeStart(current, patch);
  const permissions = permissionsAfter(current.permissions, current.runtime, start.runtime);
  const next: Record<string, unknown> = { ...current, permissions };
  for (const [key, value] of Object.entries(patch)) {
    if (isNumberSetting(key)) next[key] = value === null ? defaults[key] : checkNumber(key, value, limits);
    else if (key === "env" || key === "secrets") Object.assign(next, mergeEnvironment(current, patch));
    else if (key === "permissions") next.permissions = mergePermissions(permissions, value, start.runtime);
    else if (key === "entry") next.entry = value === null ? "" : checkEntry(value);
    else if (key === "hosts") next.hosts = value === null ? [] : checkHosts(value);
    else if (key === "access") next.access = value === null ? defaults.access : checkAccess(value);
    else if (key === "quota") next.quota = mergeQuota(current.quota, value);
    else if (key === "cron") next.cron = value === null ? [] : checkCron(value);
    else if (key === "retry") next.retry = mergeRetry(current.retry, value);
    else if (!(START_NAMES as readonly string[]).includes(key)) throw unknownSetting(key, JSON_NAMES);
  }
  return { ...next, ...start } as unknown as Settings;
}

/** @throws Problem `invalid_setting` if values contradict each other */
export function checkTogether(settings: Settings): Settings {
  const { min, max } = settings;
  if (min > max) throw invalid("min", `min (${min}) is greater than max (${max}); lower min or raise max.`);
  checkStart(settings);
  return settings;
}

/** Returns equal texts for equal settings, for hashing. */
export function canonicalSettings(settings: Settings): string {
  const env = Object.entries(settings.env).sort(([a], [b]) => (a < b ? -1 : 1));
  const { net, sys } = settings.permissions;
  // Left out if empty: hashes of versions from before these settings stay the same.
  const entry = settings.entry ? [{ entry: settings.entry }] : [];
  const hosts = settings.hosts.length > 0 ? [{ hosts: settings.hosts }] : [];
  const refs = Object.entries(settings.secrets).sort(([a], [b]) => (a < b ? -1 : 1));
  const secrets = refs.length > 0 ? [{ secrets: refs }] : [];
  const access = settings.access === "public" ? [] : [{ access: settings.access }];
  const quota = Object.keys(settings.quota).length > 0 ? [{ quota: settings.quota }] : [];
  const cron = settings.cron.length > 0 ? [{ cron: settings.cron }] : [];
  const retry = Object.keys(settings.retry).length > 0 ? [{ retry: settings.retry }] : [];
  const started = startedBy(settings);
  const start = Object.keys(started).length > 0 ? [started] : [];
  const later = [...entry, ...hosts, ...secrets, ...access, ...quota, ...cron, ...retry, ...start];
  return JSON.stringify([...NUMBERS.map((key) => settings[key]), env, net, sys, ...later]);
}

function isNumberSetting(key: string): key is NumberSetting {
  return Object.hasOwn(NUMBER_SETTINGS, key);
}

function numberFromText(key: NumberSetting, values: readonly string[]): number {
  const { parse, query, example } = NUMBER_SETTINGS[key];
  const value = values.length === 1 ? parse(values[0]!) : undefined;
  if (value !== undefined) return value;
  throw invalid(
    query,
    `${query}=${shorten(values.join(","))} cannot be read; write it like ${query}=${example}.`,
  );
}

function checkNumber(key: NumberSetting, value: unknown, limits: Limits): number {
  const { least, most } = NUMBER_SETTINGS[key];
  const top = key === "max" || key === "min" ? Math.min(most, limits.instancesPerFunction) : most;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= top) return value;
  throw invalid(key, `${key} must be a whole number from ${least} to ${top}, not ${shown(value)}.`);
}

/** `none` is the empty list. An empty text is an error, because it is probably an unset variable of a shell. */
function listFromQuery(
  key: "net" | "sys" | "hosts" | "secrets",
  values: readonly string[],
): readonly string[] {
  const entries = splitEntries(values);
  if (entries.includes("")) {
    const given = shorten(values.join(","));
    throw invalid(key, `${key}=${given} has an empty entry; use ${key}=none for an empty list.`);
  }
  return unlessNone(key, entries);
}

function onlyValue(key: string, values: readonly string[]): string {
  if (values.length === 1) return values[0]!;
  throw invalid(key, `${key} was given ${values.length} times: give it once.`);
}

/** Refuses paths that lead out of the source or that are not in the form of its files. */
function checkEntry(value: unknown): string {
  const refuse = (why: string) =>
    invalid("entry", `entry: ${shown(value)} ${why}; name a file of the source, such as src/main.ts.`);
  if (typeof value !== "string") throw refuse("is not a string");
  const path = value.replace(/^(?:\.\/+)+/, "");
  if (Buffer.byteLength(path) > ENTRY_BYTES) throw refuse(`is over ${ENTRY_BYTES} bytes`);
  if (/[\\\p{Cc}]/u.test(path)) throw refuse("has a backslash or control character");
  if (path.startsWith("/") || /^[a-z][a-z0-9+.-]*:/i.test(path)) throw refuse("is not a relative path");
  if (path !== "" && path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw refuse("has an empty, . or .. part");
  }
  return path;
}

function checkAccess(value: unknown): FunctionAccess {
  const access = ACCESS.find((each) => each === value);
  if (access !== undefined) return access;
  throw invalid("access", `access must be ${ACCESS.join(", ")}, not ${shown(value)}.`);
}

function checkHosts(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > LIST_ENTRIES) {
    throw invalid("hosts", `hosts must be a list of at most ${LIST_ENTRIES} host names.`);
  }
  const wrong = value.find((host) => typeof host !== "string" || !isHostName(host));
  if (wrong === undefined) return [...new Set(value as string[])].sort();
  const use = "use names such as app.example.com, in lower case, without scheme, port or wildcard";
  throw invalid("hosts", `hosts: ${shown(wrong)} is not a host name that a function can have; ${use}.`);
}
