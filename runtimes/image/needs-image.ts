import { Problem } from "../../platform/problems.ts";

/** Returns the problem of a file that is deployed with the runtime of images. */
export function needsImage(): Problem {
  const detail =
    "runtime=image needs an image, and the source is a file: name the image, such as image=nginx:1.27, or say what runs the file with runtime=deno or runtime=program.";
  return new Problem("invalid_setting", detail, { setting: "runtime" });
}
