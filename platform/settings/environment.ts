import { invalid, isRecord, shorten, shown } from "./invalid-setting.ts";
import { isReservedVariable } from "./reserved-variables.ts";

/** A secret whose value a variable has. */
export interface SecretRef {
  readonly secret: string;
  /** The version of the secret; 0 until the deploy has chosen the newest. */
  readonly version: number;
}

/** The variables of a function. Each is in one of the two. */
export interface Environment {
  readonly env: Readonly<Record<string, string>>;
  /** Variables whose values are secrets. */
  readonly secrets: Readonly<Record<string, SecretRef>>;
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const ENV_TOTAL_BYTES = 128 * 1024;
const MOST_SECRETS = 100;
/** Also the rule for names of declarations. */
const SECRET_NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Returns the variable that has the value of a secret by default: `db-password` is `DB_PASSWORD`. */
export function variableOfSecret(secret: string): string {
  return secret.replaceAll("-", "_").toUpperCase();
}

/** @throws Problem `invalid_setting` */
export function envFromQuery(values: readonly string[]): Record<string, string> {
  const entries = values.map((value): [string, string] => {
    const at = value.indexOf("=");
    if (at < 1) throw invalid("env", `env=${shorten(value)} has no name; write it like env=KEY=VALUE.`);
    return [value.slice(0, at), value.slice(at + 1)];
  });
  return eachOnce("env", entries);
}

/**
 * Reads `secrets=db-password,PGUSER=db-user`, which names the secrets of two variables.
 * @throws Problem `invalid_setting`
 */
export function secretsFromQuery(entries: readonly string[]): Record<string, string> {
  const variables = entries.map((entry): [string, string] => {
    const at = entry.indexOf("=");
    return at < 0 ? [variableOfSecret(entry), entry] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  return eachOnce("secrets", variables);
}

function eachOnce(setting: string, entries: readonly [string, string][]): Record<string, string> {
  const names = new Set<string>();
  for (const [name] of entries) {
    if (names.has(name)) {
      throw invalid(setting, `${setting} sets the variable ${shorten(name)} twice: set it once.`);
    }
    names.add(name);
  }
  return Object.fromEntries(entries);
}

/**
 * Merges `env` and `secrets` of a patch as in RFC 7396. `env` may name a secret as `{"secret": "NAME"}`. A variable that
 * is set in one of the two leaves the other.
 * @throws Problem `invalid_setting`
 */
export function mergeEnvironment(
  current: Environment,
  patch: { readonly env?: unknown; readonly secrets?: unknown },
): Environment {
  const env = new Map(patch.env === null ? [] : Object.entries(current.env));
  const secrets = new Map(patch.secrets === null ? [] : Object.entries(current.secrets));
  for (const [name, value] of entriesOf("env", patch.env)) {
    checkName("env", name);
    env.delete(name);
    if (value === null) continue;
    secrets.delete(name);
    if (isRecord(value) && Object.hasOwn(value, "secret")) secrets.set(name, refOf("env", name, value));
    else env.set(name, checkText(name, value));
  }
  for (const [name, value] of entriesOf("secrets", listed(patch.secrets))) {
    checkName("secrets", name);
    secrets.delete(name);
    if (value === null) continue;
    env.delete(name);
    secrets.set(name, refOf("secrets", name, value));
  }
  checkTotal(env, secrets.size);
  return { env: Object.fromEntries(env), secrets: Object.fromEntries(secrets) };
}

function entriesOf(setting: string, patch: unknown): [string, unknown][] {
  if (patch === undefined || patch === null) return [];
  if (isRecord(patch)) return Object.entries(patch);
  const values = setting === "env" ? "strings" : "names of secrets";
  throw invalid(setting, `${setting} must be an object of names and ${values}.`);
}

/** A list names secrets by the variables that they have by default. */
function listed(patch: unknown): unknown {
  if (!Array.isArray(patch)) return patch;
  const wrong = patch.find((entry) => typeof entry !== "string");
  if (wrong !== undefined) throw invalid("secrets", `secrets: ${shown(wrong)} is not the name of a secret.`);
  return secretsFromQuery(patch as string[]);
}

function checkName(setting: string, name: string): void {
  if (!ENV_NAME.test(name)) {
    const use = 'use at most 128 letters, digits and "_"';
    throw invalid(setting, `${setting}: "${shorten(name)}" is not a valid variable name; ${use}.`);
  }
  if (isReservedVariable(name)) {
    throw invalid(setting, `${setting}: ${name} is reserved for the runtime; choose another name.`);
  }
}

function checkText(name: string, value: unknown): string {
  if (typeof value !== "string")
    throw invalid("env", `env: the value of ${name} must be a string, in quotes.`);
  if (value.includes("\0")) throw invalid("env", `env: the value of ${name} contains a NUL character.`);
  return value;
}

function refOf(setting: string, variable: string, value: unknown): SecretRef {
  const { secret, version = 0 } = isRecord(value) ? value : { secret: value };
  const isVersion = typeof version === "number" && Number.isInteger(version) && version >= 0;
  if (typeof secret === "string" && isSecretName(secret) && isVersion) return { secret, version };
  const use = "name a secret, 1 to 63 characters of a-z, 0-9 and -";
  throw invalid(setting, `${setting}: ${shown(value)} of ${variable} is not the name of a secret; ${use}.`);
}

function checkTotal(env: ReadonlyMap<string, string>, secrets: number): void {
  const bytes = [...env].reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 2, 0);
  if (bytes > ENV_TOTAL_BYTES) {
    throw invalid("env", `env: all variables together are over ${ENV_TOTAL_BYTES} bytes.`);
  }
  if (secrets > MOST_SECRETS) throw invalid("secrets", `secrets: more than ${MOST_SECRETS} variables.`);
}
