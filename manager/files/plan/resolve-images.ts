import type { Source } from "../../../platform/platform.ts";
import { sourceHash } from "../../../platform/version-hash.ts";
import { imageSource } from "../../../runtimes/image/image-artifact.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import { type PullOrder, pullImage } from "../../deploys/pulled-image.ts";
import { imageOfManifest, referenceOf, sameNames } from "../image-text.ts";
import type { FolderFunction, FolderVersion } from "../manifest/read-folder.ts";

export interface ResolveMeans extends Pick<PullOrder, "platform" | "principal" | "limits" | "signal"> {
  readonly builder: Pick<Builder, "unpack">;
}

/**
 * Finds out what the images of a function mean now. One with a tag and a digest, as an export has it, means the same as ever:
 * nothing is pulled for a kept version.
 * @throws Problem those of `pullImage`
 */
export async function resolveImages(wanted: FolderFunction, means: ResolveMeans): Promise<FolderFunction> {
  const versions: FolderVersion[] = [];
  for (const version of wanted.versions) {
    const { image } = version;
    if (image === undefined) versions.push(version);
    else {
      const source = await resolve(wanted.name, { ...version, image }, means);
      const { files } = await means.builder.unpack(source, means.signal);
      versions.push({ ...version, source, files });
    }
  }
  return { ...wanted, versions };
}

async function resolve(
  name: string,
  { image: text, settings }: FolderVersion & { readonly image: string },
  { platform, principal, limits, signal }: ResolveMeans,
): Promise<Source> {
  const order = { platform, name, principal, limits, former: settings, patch: {}, signal };
  const { image: named, digest } = imageOfManifest(text);
  if (digest === undefined) return (await pullImage(text, order)).source;
  const hashes = new Set((await platform.listVersions(name))?.map(({ sourceHash }) => sourceHash));
  for (const image of sameNames(named)) {
    const source = imageSource({ image, digest });
    if (hashes.has(await sourceHash(source))) return source;
  }
  await pullImage(referenceOf({ image: named, digest }), order);
  return imageSource({ image: named, digest });
}
