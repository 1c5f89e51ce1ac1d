import type { Limits } from "./limits.ts";
import { parseNetRule } from "./net-rule.ts";
import { Problem } from "./problems.ts";
import { parseBytes, parseDurationMs } from "./quantity.ts";
import { isReservedVariable } from "./reserved-variables.ts";

/** Configuration of one function; part of its version. */
export interface Settings {
  /** Instances that are always there; 0 lets an idle function stop. */
  readonly min: number;
  readonly max: number;
  /** Calls that one instance takes at a time. */
  readonly concurrency: number;
  /** Time until the response starts, for the whole way of a call. */
  readonly timeoutMs: number;
  /** Time without a call after which a function with `min` 0 stops. */
  readonly idleMs: number;
  readonly memoryMiB: number;
  /** Everything that the function finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly permissions: Permissions;
}

export interface Permissions {
  /** Rules of net-rule.ts; `["public"]` by default, `[]` for none. */
  readonly net: readonly string[];
  /** Kinds of system information in Deno's names, such as `hostname`, `cpus`. None by default. */
  readonly sys: readonly string[];
}

/** Changes to settings; what is absent stays. `null` sets back to the default, in `env` it removes. */
export interface SettingsPatch {
  readonly [key: string]: unknown;
}

interface NumberRow {
  readonly query: string;
  readonly parse: (text: string) => number | undefined;
  readonly default: number;
  readonly least: number;
  readonly most: number;
  readonly example: string;
}

const count = (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

/** Memory as a number of MiB (`256`) or a quantity (`256Mi`, `1Gi`). */
function memory(text: string): number | undefined {
  const bytes = /^\d+$/.test(text) ? Number(text) * 1024 ** 2 : parseBytes(text);
  return bytes === undefined ? undefined : Math.ceil(bytes / 1024 ** 2);
}

/** The settings of docs/settings.md and of OpenAPI are these rows. `max` is bounded by the limit of instances besides. */
export const NUMBER_SETTINGS = {
  min: { query: "min", parse: count, default: 0, least: 0, most: 1_000, example: "0" },
  max: { query: "max", parse: count, default: 10, least: 1, most: 1_000, example: "10" },
  concurrency: { query: "concurrency", parse: count, default: 100, least: 1, most: 10_000, example: "100" },
  timeoutMs: {
    query: "timeout",
    parse: parseDurationMs,
    default: 60_000,
    least: 100,
    most: 3_600_000,
    example: "30s",
  },
  idleMs: {
    query: "idle",
    parse: parseDurationMs,
    default: 300_000,
    least: 100,
    most: 86_400_000,
    example: "5m",
  },
  memoryMiB: { query: "memory", parse: memory, default: 128, least: 64, most: 65_536, example: "256Mi" },
} as const satisfies Record<string, NumberRow>;

type NumberSetting = keyof typeof NUMBER_SETTINGS;
const NUMBERS = Object.keys(NUMBER_SETTINGS) as NumberSetting[];

export const SYS_KINDS = [
  "hostname",
  "osRelease",
  "osUptime",
  "loadavg",
  "networkInterfaces",
  "systemMemoryInfo",
  "cpus",
  "uid",
  "gid",
];

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const ENV_TOTAL_BYTES = 128 * 1024;
const LIST_ENTRIES = 100;

export function defaultSettings(limits: Limits): Settings {
  const numbers = Object.fromEntries(NUMBERS.map((key) => [key, NUMBER_SETTINGS[key].default]));
  const max = Math.min(NUMBER_SETTINGS.max.most, limits.instancesPerFunction);
  return {
    ...(numbers as Record<NumberSetting, number>),
    max,
    env: {},
    permissions: { net: ["public"], sys: [] },
  };
}

/**
 * Settings in a query string: `min=0&timeout=30s&env=KEY=VALUE&net=api.example.com,10.0.0.7:5432`.
 * @throws Problem `invalid_setting`
 */
export function settingsFromQuery(query: URLSearchParams): SettingsPatch {
  const patch: Record<string, unknown> = {};
  const permissions: Record<string, unknown> = {};
  let env: Record<string, string> = {};
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    const row = NUMBERS.find((name) => NUMBER_SETTINGS[name].query === key);
    if (row !== undefined) patch[row] = numberFromText(row, values);
    else if (key === "env") env = envFromQuery(values);
    else if (key === "net" || key === "sys") permissions[key] = listFromQuery(key, values);
    else
      throw unknownSetting(key, [...NUMBERS.map((name) => NUMBER_SETTINGS[name].query), "env", "net", "sys"]);
  }
  if (Object.keys(env).length > 0) patch.env = env;
  if (Object.keys(permissions).length > 0) patch.permissions = permissions;
  return patch;
}

/**
 * `current` with `patch` merged in as RFC 7396 does it, every value checked.
 * @throws Problem `invalid_setting` naming the setting
 */
export function applySettings(current: Settings, patch: SettingsPatch, limits: Limits): Settings {
  const defaults = defaultSettings(limits);
  const next: Record<string, unknown> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (isNumberSetting(key)) next[key] = value === null ? defaults[key] : checkNumber(key, value, limits);
    else if (key === "env") next.env = value === null ? {} : mergeEnv(current.env, value);
    else if (key === "permissions") next.permissions = mergePermissions(current.permissions, value, defaults);
    else throw unknownSetting(key, [...NUMBERS, "env", "permissions"]);
  }
  const settings = next as unknown as Settings;
  if (settings.min > settings.max) {
    throw invalid(
      "min",
      `min (${settings.min}) is greater than max (${settings.max}); lower min or raise max.`,
    );
  }
  return settings;
}

/** The same text for equal settings, for hashing. */
export function canonicalSettings(settings: Settings): string {
  const env = Object.entries(settings.env).sort(([a], [b]) => (a < b ? -1 : 1));
  const { net, sys } = settings.permissions;
  return JSON.stringify([...NUMBERS.map((key) => settings[key]), env, net, sys]);
}

function isNumberSetting(key: string): key is NumberSetting {
  return Object.hasOwn(NUMBER_SETTINGS, key);
}

function invalid(setting: string, detail: string): Problem {
  return new Problem("invalid_setting", detail, { setting });
}

function unknownSetting(key: string, known: readonly string[]): Problem {
  return invalid(
    key.slice(0, 80),
    `There is no setting "${key.slice(0, 80)}". Settings: ${known.join(", ")}.`,
  );
}

function numberFromText(key: NumberSetting, values: readonly string[]): number {
  const row = NUMBER_SETTINGS[key];
  const value = values.length === 1 ? row.parse(values[0]!) : undefined;
  if (value === undefined) {
    throw invalid(
      row.query,
      `${row.query}=${values.join(",").slice(0, 80)} cannot be read; write it like ${row.query}=${row.example}.`,
    );
  }
  return value;
}

function checkNumber(key: NumberSetting, value: unknown, limits: Limits): number {
  const { least, most } = NUMBER_SETTINGS[key];
  const top = key === "max" || key === "min" ? Math.min(most, limits.instancesPerFunction) : most;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= top) return value;
  throw invalid(
    key,
    `${key} must be a whole number from ${least} to ${top}, not ${String(JSON.stringify(value)).slice(0, 80)}.`,
  );
}

function envFromQuery(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const at = value.indexOf("=");
      if (at < 1) throw invalid("env", `env=${value.slice(0, 80)} has no name; write it like env=KEY=VALUE.`);
      return [value.slice(0, at), value.slice(at + 1)];
    }),
  );
}

/** `none` is the empty list. An empty text is more likely a variable of a shell that has no value. */
function listFromQuery(key: "net" | "sys", values: readonly string[]): string[] {
  const entries = values.flatMap((value) => value.split(",")).map((entry) => entry.trim());
  if (entries.includes("")) {
    throw invalid(key, `${key}=${values.join(",").slice(0, 80)} has an empty entry; ${key}=none is nothing.`);
  }
  if (!entries.includes("none")) return entries;
  if (entries.length === 1) return [];
  throw invalid(key, `${key}: none stands alone; leave it out, or the others.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mergeEnv(current: Settings["env"], patch: unknown): Settings["env"] {
  if (!isRecord(patch)) throw invalid("env", "env must be an object of names and texts.");
  const env = new Map(Object.entries(current));
  for (const [name, value] of Object.entries(patch)) {
    if (!ENV_NAME.test(name)) throw invalid("env", `env: "${name.slice(0, 80)}" is no name of a variable.`);
    if (isReservedVariable(name))
      throw invalid("env", `env: ${name} is reserved for the runtime; choose another name.`);
    if (value === null) env.delete(name);
    else if (typeof value !== "string") throw invalid("env", `env: the value of ${name} must be a text.`);
    else if (value.includes("\0"))
      throw invalid("env", `env: the value of ${name} contains a NUL character.`);
    else env.set(name, value);
  }
  const bytes = [...env].reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 2, 0);
  if (bytes > ENV_TOTAL_BYTES)
    throw invalid("env", `env: all variables together are over ${ENV_TOTAL_BYTES} bytes.`);
  return Object.fromEntries(env);
}

function mergePermissions(current: Permissions, patch: unknown, defaults: Settings): Permissions {
  if (patch === null) return defaults.permissions;
  if (!isRecord(patch)) throw invalid("permissions", "permissions must be an object with net or sys.");
  const next: Record<string, readonly string[]> = { net: current.net, sys: current.sys };
  for (const [key, value] of Object.entries(patch)) {
    if (key !== "net" && key !== "sys")
      throw unknownSetting(`permissions.${key}`, ["permissions.net", "permissions.sys"]);
    next[key] = value === null ? defaults.permissions[key] : checkList(key, value);
  }
  return next as unknown as Permissions;
}

function portOf(rule: string): number | undefined {
  const parsed = parseNetRule(rule);
  return parsed && parsed.kind !== "public" ? parsed.port : undefined;
}

function checkList(key: "net" | "sys", value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > LIST_ENTRIES) {
    throw invalid(key, `permissions.${key} must be a list of at most ${LIST_ENTRIES} texts.`);
  }
  if (value.includes("none"))
    throw invalid(key, `permissions.${key}: nothing is the empty list, not "none".`);
  for (const entry of value) {
    const known =
      typeof entry === "string" &&
      (key === "net" ? parseNetRule(entry) !== undefined : SYS_KINDS.includes(entry));
    if (known) continue;
    const shape =
      key === "net"
        ? 'public, a host name, an address, an IPv4 range or [IPv6], with ":port" if wanted'
        : SYS_KINDS.join(", ");
    throw invalid(
      key,
      `permissions.${key}: ${String(JSON.stringify(entry)).slice(0, 80)} is none of: ${shape}.`,
    );
  }
  const rules = value as string[];
  const withPort = key === "net" && rules.includes("public") ? rules.find((rule) => portOf(rule)) : undefined;
  if (withPort !== undefined) {
    // Deno cannot open one port of an address that is otherwise closed beside all public ones.
    throw invalid(
      "net",
      `permissions.net: ${withPort} has a port beside public; leave out the port, or public.`,
    );
  }
  return [...new Set(rules)].sort();
}
