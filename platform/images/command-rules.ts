import { Problem } from "../problems.ts";
import { AllowedImages } from "./allowed-images.ts";

/** What an installation lets commands do. */
export interface CommandRules {
  /** `SKIFF_EXEC`. */
  readonly isOn: boolean;
  readonly images: AllowedImages;
}

export const NO_COMMANDS: CommandRules = { isOn: false, images: AllowedImages.from(undefined, false) };

/**
 * Reads `SKIFF_EXEC` and `SKIFF_IMAGES`.
 * @param isLocal Skiff answers programs of this machine alone: commands are on by default, otherwise off
 * @throws Error with a text for the operator
 */
export function commandRules(
  env: Readonly<Record<string, string | undefined>>,
  isLocal: boolean,
): CommandRules {
  const { SKIFF_EXEC: text, SKIFF_IMAGES: images } = env;
  if (text && text !== "on" && text !== "off")
    throw new Error(`SKIFF_EXEC=${text} is unknown: use "on" or "off".`);
  return { isOn: text ? text === "on" : isLocal, images: AllowedImages.from(images, isLocal) };
}

/** @throws Problem `exec_off`, `invalid_request`, `image_not_allowed` */
export function checkCommand({ isOn, images }: CommandRules, image: string): void {
  if (!isOn) {
    const detail = "Commands are switched off: the operator sets SKIFF_EXEC=on to allow them.";
    throw new Problem("exec_off", detail, { setting: "SKIFF_EXEC" });
  }
  images.check(image);
}
