import { challengeOf, type Principal } from "../../http/access/principal.ts";
import { parseImage } from "../../platform/images/image-reference.ts";
import type { Platform } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { unknownSecret } from "../../platform/secrets.ts";
import { IMAGE_TYPE, readImageSource } from "../../runtimes/image/image-artifact.ts";

export interface AskedPull {
  readonly platform: Pick<Platform, "find" | "readSource">;
  /** The function that is deployed. */
  readonly name: string;
  readonly image: string;
  /** Empty: none. */
  readonly pullSecret: string;
}

/**
 * Lets somebody who is limited to some functions pull with the secret of the version before, from its registry alone:
 * another registry would learn the secret.
 * @throws Problem `insufficient_scope`
 */
export async function requireKnownPull({ by, functions }: Principal, asked: AskedPull): Promise<void> {
  const { platform, name, image, pullSecret } = asked;
  if (functions === undefined || pullSecret === "") return;
  const registry = parseImage(image)?.registry;
  const current = await platform.find(name);
  const before = current && (await platform.readSource(name, current.version));
  const known = before?.type === IMAGE_TYPE ? parseImage(readImageSource(before).image)?.registry : undefined;
  if (current?.settings.pullSecret === pullSecret && registry !== undefined && known === registry) return;
  const detail = `pullSecret: ${by} is limited to some functions and cannot send the secret "${pullSecret}" to ${registry}: use a key for all functions once, and this key afterwards.`;
  throw new Problem("insufficient_scope", detail, { challenge: challengeOf("insufficient_scope") });
}

/**
 * An image that is here is not pulled, so that a secret that does not exist would be missed on another machine only.
 * @param pullSecret empty: none
 * @throws Problem `unknown_secret`
 */
export async function requirePullSecret(
  { secrets }: Pick<Platform, "secrets">,
  pullSecret: string,
): Promise<void> {
  if (pullSecret !== "" && (await secrets.describe(pullSecret)) === undefined)
    throw unknownSecret(pullSecret);
}
