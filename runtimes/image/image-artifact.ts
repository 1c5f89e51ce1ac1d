import { joinProject } from "../../client-image/project/project-pack.ts";
import type { ImageSource } from "../../platform/images/images.ts";
import type { Source } from "../../platform/platform.ts";
import type { Built } from "../runtime.ts";

export const IMAGE_TYPE = "application/vnd.skiff.image+json";

/** Writes an image as the source of a function. */
export function imageSource({ image, digest }: ImageSource): Source {
  return { type: IMAGE_TYPE, bytes: Buffer.from(`${JSON.stringify({ image, digest })}\n`) };
}

/** @throws Error if the source is no image */
export function readImageSource({ bytes, type }: Source): ImageSource {
  const { image, digest }: Partial<ImageSource> =
    type === IMAGE_TYPE ? JSON.parse(new TextDecoder().decode(bytes)) : {};
  if (typeof image === "string" && typeof digest === "string") return { image, digest };
  throw new Error(`a source of the type ${type} is no image`);
}

/** Returns the artifact of an image. It has no files. @throws Error if the source is no image */
export function buildImage(source: Source): Built {
  const image = { reference: referenceOf(readImageSource(source)) };
  const launch = { entry: "", replaced: [], importHosts: [], image };
  return { artifact: { kind: "project", code: joinProject(launch, new Uint8Array(0)) } };
}

/** The digest stands for the tag: `nginx:1.27` becomes `nginx@sha256:…`. */
function referenceOf({ image, digest }: ImageSource): string {
  const name = image.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  return `${name}@${digest}`;
}
