import { challengeOf, type Principal } from "../../http/access/principal.ts";
import { Problem } from "../../platform/problems.ts";
import type { Secrets } from "../../platform/secrets.ts";
import type { Settings } from "../../platform/settings/settings.ts";

/**
 * Runs `work` with the settings, each secret in its newest version. None of them is deleted meanwhile.
 * @throws Problem `invalid_setting` for a secret that does not exist; the error of `work`
 */
export async function withNewestSecrets<T>(
  secrets: Secrets,
  settings: Settings,
  work: (settings: Settings) => Promise<T>,
): Promise<T> {
  const asked = Object.entries(settings.secrets);
  if (asked.length === 0) return await work(settings);
  const { versions, release } = await secrets.claim(asked.map(([, { secret }]) => secret));
  try {
    const refs = asked.map(([variable, { secret }]) => {
      const version = versions.get(secret);
      if (version === undefined) throw missing(variable, secret);
      return [variable, { secret, version }] as const;
    });
    return await work({ ...settings, secrets: Object.fromEntries(refs) });
  } finally {
    release();
  }
}

/**
 * Lets somebody who is limited to some functions keep their secrets, and add none: such a function could answer with the
 * value of any secret.
 * @throws Problem `insufficient_scope`
 */
export function requireKnownSecrets(
  { by, functions }: Principal,
  asked: Settings,
  current: Settings | undefined,
): void {
  if (functions === undefined) return;
  const known = new Set(Object.values(current?.secrets ?? {}).map(({ secret }) => secret));
  const { pullSecret } = asked;
  const pulls = pullSecret === "" || pullSecret === current?.pullSecret ? [] : [pullSecret];
  const names = Object.values(asked.secrets).map(({ secret }) => secret);
  const [added] = [...names.filter((name) => !known.has(name)), ...pulls];
  if (added === undefined) return;
  const detail = `secrets: ${by} is limited to some functions and cannot give one the secret "${added}": use a key for all functions once, and this key afterwards.`;
  throw new Problem("insufficient_scope", detail, { challenge: challengeOf("insufficient_scope") });
}

/** Whether `settings` ask for an older version of one of the secrets. */
export function asksForOlder(settings: Settings, newest: Settings): boolean {
  return Object.entries(settings.secrets).some(
    ([variable, { version }]) => newest.secrets[variable]?.version !== version,
  );
}

function missing(variable: string, secret: string): Problem {
  const detail = `secrets: there is no secret "${secret}" for ${variable}: create it with PUT /secret/${secret}, or remove the variable.`;
  return new Problem("invalid_setting", detail, { setting: "secrets" });
}
