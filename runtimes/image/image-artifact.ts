import { joinProject } from "../../client-image/project/project-pack.ts";
import type { ImageSource } from "../../platform/images/images.ts";
import type { Source } from "../../platform/platform.ts";
import type { Built } from "../runtime.ts";

export const IMAGE_TYPE = "application/vnd.skiff.image+json";

/** Writes an image as the source of a function. */
export function imageSource({ image, digest, isLocal }: ImageSource): Source {
  const source = { image, digest, ...(isLocal ? { isLocal } : {}) };
  return { type: IMAGE_TYPE, bytes: Buffer.from(`${JSON.stringify(source)}\n`) };
}

/** @throws Error if the source is no image */
export function readImageSource({ bytes, type }: Source): ImageSource {
  const { image, digest, isLocal }: Partial<ImageSource> =
    type === IMAGE_TYPE ? JSON.parse(new TextDecoder().decode(bytes)) : {};
  if (typeof image === "string" && typeof digest === "string") {
    return { image, digest, ...(isLocal === true ? { isLocal } : {}) };
  }
  throw new Error(`a source of the type ${type} is no image`);
}

/** Returns the artifact of an image. It has no files. @throws Error if the source is no image */
export function buildImage(source: Source): Built {
  const image = { reference: referenceOf(readImageSource(source)) };
  const launch = { entry: "", replaced: [], importHosts: [], image };
  return { artifact: { kind: "project", code: joinProject(launch, new Uint8Array(0)) } };
}

/** The digest stands for the tag: `nginx:1.27` becomes `nginx@sha256:…`, and the id of a local image stands for all of it. */
function referenceOf({ image, digest, isLocal = false }: ImageSource): string {
  if (isLocal) return digest;
  const name = image.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  return `${name}@${digest}`;
}
