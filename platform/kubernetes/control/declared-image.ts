import { IMAGE_TYPE, imageSource, readImageSource } from "../../../runtimes/image/image-artifact.ts";
import type { Platform, Source, VersionRecord } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { Settings } from "../../settings/settings.ts";
import type { FunctionSpec } from "../cluster/resources.ts";

export interface DeclaredImage {
  readonly name: string;
  readonly settings: Settings;
  readonly current: Pick<VersionRecord, "version"> | undefined;
  readonly signal: AbortSignal;
}

/**
 * Returns the image that a Function names as a source. Undefined if it names none, or that of the current version, whose
 * digest stays: a deploy looks at a tag again.
 * @throws Problem `invalid_setting` for a source beside it, `no_engine`; those of `Images.resolve`
 */
export async function declaredImage(
  { image, source }: FunctionSpec,
  { name, settings, current, signal }: DeclaredImage,
  platform: Pick<Platform, "images" | "readSource">,
): Promise<Source | undefined> {
  if (image === undefined) return undefined;
  if (source !== undefined) {
    throw new Problem("invalid_setting", "spec.source and spec.image exclude each other: keep one of them.", {
      setting: "image",
    });
  }
  const before = current && (await platform.readSource(name, current.version));
  if (before?.type === IMAGE_TYPE && readImageSource(before).image === image) return undefined;
  if (platform.images === undefined) throw new Problem("no_engine", "This Skiff runs no images.");
  const { pullSecret } = settings;
  const options = { ...(pullSecret === "" ? {} : { pullSecret }), signal };
  return imageSource(await platform.images.resolve(image, options));
}
