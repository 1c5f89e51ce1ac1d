import { Problem } from "./problems.ts";
import { isSecretName, type SecretRef } from "./settings/environment.ts";

/**
 * Values that functions get as variables and nobody reads back. Each put of another value makes a version: 1, 2, 3… per
 * name. A version of a function names the versions of the secrets that it runs with. Besides the newest one, a version
 * of a secret is kept while a kept version of a function names it.
 *
 * Every method throws Problem `draining` once the platform is closed, and on Kubernetes `platform_unavailable`.
 */
export interface Secrets {
  /**
   * Stores a value as the newest version. Durable when it resolves. The value of the newest version changes nothing.
   * @throws Problem `invalid_name`, `precondition_failed`, `secrets_unavailable`; an error of a full disk
   */
  put(name: string, secret: NewSecret): Promise<PutSecret>;

  /** Lists at most `limit` secrets by name, after the name `after`. */
  list(page: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<readonly SecretSummary[]>;

  /** Undefined if there is none. Never has a value. */
  describe(name: string): Promise<SecretDescription | undefined>;

  /** Whether a version of a function that names this version of the secret can start. */
  has(name: string, version: number): Promise<boolean>;

  /**
   * Removes a secret with all of its versions. Running instances keep their values. False if there was none.
   * @throws Problem `precondition_failed`
   */
  remove(name: string, options?: { readonly ifVersion?: VersionCondition }): Promise<boolean>;

  /**
   * Returns the newest version of each secret, without those that do not exist. Until `release` is called, no version
   * of these secrets is deleted because nothing needs it.
   */
  claim(names: readonly string[]): Promise<ClaimedSecrets>;

  /**
   * Returns the values by variable, for a launch.
   * @throws Problem `unknown_secret` if a version is gone, `secrets_unavailable`
   */
  resolve(refs: SecretRefs): Promise<Readonly<Record<string, string>>>;
}

export type SecretRefs = Readonly<Record<string, SecretRef>>;

export interface NewSecret {
  /** UTF-8 without NUL. */
  readonly value: string;
  readonly ifVersion?: VersionCondition;
}

/**
 * The newest version must be one of these; `any`: the secret must exist; null: it must not. Undefined: any state will do.
 */
export type VersionCondition = readonly number[] | "any" | null | undefined;

export interface PutSecret {
  readonly name: string;
  readonly version: number;
  /** True if the secret did not exist. */
  readonly created: boolean;
  /** True if the newest version has this value already. */
  readonly unchanged: boolean;
}

export interface SecretSummary {
  readonly name: string;
  /** The newest version. */
  readonly version: number;
  /** Time of the oldest kept version. */
  readonly createdAt: Date;
  /** Time of the newest version. */
  readonly updatedAt: Date;
}

export interface SecretDescription extends SecretSummary {
  /** Kept versions, oldest first. */
  readonly versions: readonly { readonly version: number; readonly createdAt: Date }[];
  /** The kept versions of functions that name it, in order of function and version. */
  readonly users: readonly SecretUser[];
}

export interface SecretUser {
  readonly name: string;
  readonly version: number;
  /** The version of the secret; null if its image is pulled with the secret, which always takes the newest. */
  readonly secretVersion: number | null;
}

export interface ClaimedSecrets {
  readonly versions: ReadonlyMap<string, number>;
  /** May be called more than once. */
  release(): void;
}

/** @throws Problem `invalid_name` */
export function checkSecretName(name: string): void {
  if (isSecretName(name)) return;
  const detail = `"${name.slice(0, 80)}" is not a valid name of a secret: use 1 to 63 characters of a-z, 0-9 and "-", starting with a letter and not ending with "-".`;
  throw new Problem("invalid_name", detail);
}

/**
 * @param newest the newest version; undefined if there is no such secret
 * @throws Problem `precondition_failed`
 */
export function checkSecretVersion(
  name: string,
  newest: number | undefined,
  ifVersion: VersionCondition,
): void {
  if (ifVersion === undefined) return;
  if (newest === undefined ? ifVersion === null : isAmong(newest, ifVersion)) return;
  const now = newest === undefined ? "does not exist" : `has version ${newest}`;
  const advice =
    ifVersion === null
      ? "name that version in If-Match to replace it"
      : "read it, and try again with its version";
  throw new Problem("precondition_failed", `The secret "${name}" ${now}: ${advice}.`);
}

function isAmong(newest: number, ifVersion: Exclude<VersionCondition, undefined>): boolean {
  return ifVersion !== null && (ifVersion === "any" || ifVersion.includes(newest));
}

/** Returns the value of the newest version. @throws Problem `unknown_secret`, `secrets_unavailable` */
export async function newestValue(
  secrets: Pick<Secrets, "claim" | "resolve">,
  secret: string,
): Promise<string> {
  const claimed = await secrets.claim([secret]);
  try {
    const version = claimed.versions.get(secret);
    if (version === undefined) throw unknownSecret(secret);
    const { value = "" } = await secrets.resolve({ value: { secret, version } });
    return value;
  } finally {
    claimed.release();
  }
}

/** @param name untrusted text */
export function unknownSecret(name: string): Problem {
  const shown = name.slice(0, 80);
  const detail = `There is no secret "${shown}": create it with PUT /secret/${shown}, or list all with GET /secret.`;
  return new Problem("unknown_secret", detail);
}

/** The version of a secret that an instance needs was removed. */
export function secretGone({ secret, version }: SecretRef): Problem {
  const detail = `The secret "${secret}" has no version ${version} any more: create it with PUT /secret/${secret}, and deploy again.`;
  return new Problem("unknown_secret", detail);
}
