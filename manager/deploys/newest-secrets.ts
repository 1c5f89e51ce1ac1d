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
