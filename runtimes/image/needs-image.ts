import { Problem } from "../../platform/problems.ts";

/** Returns the problem of a file that is deployed with the runtime of images. */
export function needsImage(): Problem {
  const detail =
    "runtime=image needs an image, and the source of this function is a file: name the image, such as image=nginx:1.27.";
  return new Problem("invalid_setting", detail, { setting: "runtime" });
}
