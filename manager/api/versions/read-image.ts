import { parseImage } from "../../../platform/images/image-reference.ts";
import { Problem } from "../../../platform/problems.ts";
import type { SettingsPatch } from "../../../platform/settings/settings.ts";

/** The parameter of a deploy that names an image instead of posting a source. */
export const IMAGE = "image";

/**
 * Takes the image out of the parameters of a deploy, which have only settings afterwards.
 * @throws Problem `invalid_request`
 */
export function takeImage(parameters: URLSearchParams): string | undefined {
  const [image, second] = parameters.getAll(IMAGE);
  parameters.delete(IMAGE);
  if (image === undefined) return undefined;
  if (second !== undefined) {
    throw new Problem("invalid_request", "The parameter image was given twice: give it once.");
  }
  if (parseImage(image)) return image;
  const shown = image.slice(0, 80);
  const detail = `image=${shown} is not the name of an image: write it like docker.io/library/nginx:1.27.`;
  throw new Problem("invalid_request", detail, { setting: IMAGE });
}

/** An image is run by the runtime of images. @throws Problem `invalid_setting` if the deploy asks for another one */
export function withImageRuntime(patch: SettingsPatch, image: string | undefined): SettingsPatch {
  const { runtime = IMAGE } = patch;
  if (image === undefined) return patch;
  if (runtime === IMAGE) return { ...patch, runtime };
  const detail = `runtime=${String(runtime).slice(0, 80)} does not run images: leave runtime out, or post a file instead of image=${image}.`;
  throw new Problem("invalid_setting", detail, { setting: "runtime" });
}

/** @throws Problem `invalid_request` for a body beside an image */
export function refuseBody(bytes: Uint8Array, image: string): void {
  if (bytes.length === 0) return;
  const detail = `The request has a source of ${bytes.length} bytes and image=${image}: send one of them.`;
  throw new Problem("invalid_request", detail, { setting: IMAGE });
}
