import type { Principal } from "../../http/access/principal.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Platform, Source } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { mergeSettings, type Settings, type SettingsPatch } from "../../platform/settings/settings.ts";
import { imageSource } from "../../runtimes/image/image-artifact.ts";
import { requireKnownPull } from "./pull-rights.ts";

export interface PullOrder {
  readonly platform: Platform;
  /** The function that is deployed, and by whom. */
  readonly name: string;
  readonly principal?: Principal | undefined;
  readonly limits: Limits;
  /** Settings before the deploy, and its changes to them. */
  readonly former: Settings;
  readonly patch: SettingsPatch;
  readonly signal: AbortSignal;
}

export interface PulledImage {
  readonly source: Source;
  readonly pullMs: number;
}

/**
 * Finds out what the name of an image means now, which is the source of the version.
 * @throws Problem `no_engine`, `invalid_setting`, `insufficient_scope`; those of `Images.resolve`
 */
export async function pullImage(
  image: string,
  { platform, name, principal, limits, former, patch, signal }: PullOrder,
): Promise<PulledImage> {
  const { images } = platform;
  if (images === undefined) throw noEngine();
  const { pullSecret } = mergeSettings(former, patch, limits);
  if (principal) await requireKnownPull(principal, { platform, name, image, pullSecret });
  const startedAt = performance.now();
  const found = await images.resolve(image, { ...(pullSecret === "" ? {} : { pullSecret }), signal });
  return { source: imageSource(found), pullMs: performance.now() - startedAt };
}

function noEngine(): Problem {
  const detail =
    "Images need a container engine, and none was found: install Podman or Docker, and start its service.";
  return new Problem("no_engine", detail);
}
