import { type Secrets, secretGone, unknownSecret } from "../../secrets.ts";
import type { SecretRef } from "../../settings/environment.ts";
import type { Settings } from "../../settings/settings.ts";

/**
 * Completes the secrets that a Function names without a version: by that of the current version of the function, so that
 * nothing changes if the same manifest is applied again, or else by the newest.
 * @param current settings of the current version
 * @throws Problem `unknown_secret`
 */
export async function completeSecrets(
  secrets: Secrets,
  settings: Settings,
  current: Settings | undefined,
): Promise<Settings> {
  const asked = Object.entries(settings.secrets);
  if (asked.length === 0) return settings;
  const refs = asked.map(async ([variable, ref]) => {
    const present = current?.secrets[variable];
    const isPresent = present?.secret === ref.secret && [0, present.version].includes(ref.version);
    return [variable, isPresent ? present : await existing(secrets, ref)] as const;
  });
  return { ...settings, secrets: Object.fromEntries(await Promise.all(refs)) };
}

async function existing(secrets: Secrets, ref: SecretRef): Promise<SecretRef> {
  const { secret, version } = ref;
  if (version > 0) {
    if (await secrets.has(secret, version)) return ref;
    throw secretGone(ref);
  }
  const { versions, release } = await secrets.claim([secret]);
  release();
  const newest = versions.get(secret);
  if (newest === undefined) throw unknownSecret(secret);
  return { secret, version: newest };
}
