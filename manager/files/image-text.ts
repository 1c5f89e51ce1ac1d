import type { ImageSource } from "../../platform/images/images.ts";

/** `nginx:1.27@sha256:…`: an image, and what it meant when it was exported. */
const PINNED = /^(?<image>[^@]+:[^@:/]+)@(?<digest>[a-z0-9]+:[0-9a-f]{32,})$/;

/** Reads an image of a manifest. The digest is absent unless a tag has one too. */
export function imageOfManifest(text: string): { readonly image: string; readonly digest?: string } {
  const { image, digest } = PINNED.exec(text)?.groups ?? {};
  return image === undefined ? { image: text } : { image, digest: digest! };
}

/** Writes the image of a version for a manifest, so that an apply restores exactly it. */
export function imageForManifest({ image, digest }: ImageSource): string {
  // A name with a digest means one image for ever.
  if (image.includes("@")) return image;
  return /:[^:/]+$/.test(image) ? `${image}@${digest}` : `${image}:latest@${digest}`;
}

/** A name without a tag has the tag `latest`. */
export function sameNames(image: string): readonly string[] {
  return image.endsWith(":latest") ? [image, image.slice(0, -":latest".length)] : [image];
}

/** The name without its tag: engines take a tag or a digest. */
export function referenceOf({ image, digest }: ImageSource): string {
  return `${image.replace(/:[^:/]*$/, "")}@${digest}`;
}
