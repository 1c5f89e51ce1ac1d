import { variableOfSecret } from "../../platform/settings/environment.ts";
import { permissionsAfter } from "../../platform/settings/permissions.ts";
import { QUOTA_QUERY } from "../../platform/settings/quota.ts";
import { RETRY_MEMBERS, RETRY_QUERY } from "../../platform/settings/retry.ts";
import { START_NAMES } from "../../platform/settings/runtime.ts";
import { NUMBER_SETTINGS, type Settings } from "../../platform/settings/settings.ts";
import { PROGRAM_MEMBERS, START_QUERY } from "../../platform/settings/start.ts";

type Members = Record<string, unknown>;

/** Returns what a file shows of a variable of `env`. */
export type ShowVariable = (name: string, value: string) => string;

/**
 * Returns what a manifest has to declare so that `base` becomes `settings`: only what differs, with the names of a query,
 * with units, and null for what `base` has and `settings` has not.
 */
export function formOf(settings: Settings, base: Settings, show: ShowVariable): Members {
  const form: Members = {};
  for (const [key, { query }] of Object.entries(NUMBER_SETTINGS)) {
    const name = key as keyof typeof NUMBER_SETTINGS;
    if (settings[name] !== base[name]) form[query] = withUnit(name, settings[name]);
  }
  const permissions = permissionsAfter(base.permissions, base.runtime, settings.runtime);
  for (const key of ["net", "sys"] as const) {
    if (!isEqual(settings.permissions[key], permissions[key])) form[key] = settings.permissions[key];
  }
  for (const key of ["entry", "hosts", "access", "cron"] as const) {
    if (!isEqual(settings[key], base[key])) form[key] = settings[key];
  }
  for (const [member, query] of Object.entries(QUOTA_QUERY)) {
    const [value, before] = [settings, base].map(({ quota }) => quota[member as keyof typeof QUOTA_QUERY]);
    if (value !== before) form[query] = value ?? null;
  }
  for (const member of RETRY_MEMBERS) {
    const value = settings.retry[member];
    if (isEqual(value, base.retry[member])) continue;
    const isTime = typeof value === "number" && member !== "attempts";
    form[RETRY_QUERY[member]] = isTime ? duration(value) : (value ?? null);
  }
  Object.assign(form, startForm(settings, base));
  const env = changedMembers(settings.env, base.env, show);
  if (Object.keys(env).length > 0) form.env = env;
  const secrets = secretsForm(settings, base);
  if (secrets !== undefined) form.secrets = secrets;
  return form;
}

/** What starts the function. A member of `program` has its own name in a query. */
function startForm(settings: Settings, base: Settings): Members {
  const form: Members = {};
  for (const name of START_NAMES) {
    if (name === "program" || settings[name] === base[name]) continue;
    form[START_QUERY[name]] = settings[name] === "" ? null : settings[name];
  }
  // Another runtime resets the members of the one before.
  const before = settings.runtime === base.runtime ? base.program : {};
  for (const member of PROGRAM_MEMBERS) {
    const value = settings.program[member];
    if (!isEqual(value, before[member])) form[START_QUERY[member]] = value ?? null;
  }
  return form;
}

function secretsForm(settings: Settings, base: Settings): unknown {
  const [names, before] = [settings, base].map(({ secrets }) =>
    Object.fromEntries(Object.entries(secrets).map(([variable, { secret }]) => [variable, secret])),
  );
  const changed = changedMembers(names!, before!, (_variable, name) => name);
  const entries = Object.entries(changed);
  if (entries.length === 0) return undefined;
  // A list is enough where every variable has the name that its secret gives it.
  const isPlain = entries.every(
    ([variable, name]) => name !== null && variableOfSecret(String(name)) === variable,
  );
  return isPlain ? Object.values(changed) : changed;
}

function changedMembers(
  members: Readonly<Record<string, string>>,
  base: Readonly<Record<string, string>>,
  show: ShowVariable,
): Members {
  const changed = Object.entries(members)
    .filter(([name, value]) => base[name] !== value)
    .map(([name, value]) => [name, show(name, value)]);
  const removed = Object.keys(base).filter((name) => !Object.hasOwn(members, name));
  const all = [...changed, ...removed.map((name) => [name, null])];
  return Object.fromEntries(all.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

function withUnit(name: keyof typeof NUMBER_SETTINGS, value: number): number | string {
  if (name === "memoryMiB") return `${value}Mi`;
  return name === "timeoutMs" || name === "idleMs" ? duration(value) : value;
}

/** Writes a time without loss: `5m`, `30s`, `250ms`. */
function duration(ms: number): string {
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  const [unit, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
