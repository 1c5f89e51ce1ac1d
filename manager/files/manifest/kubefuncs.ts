import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import type { DeclaredSetting } from "./declared.ts";

/**
 * The `functions.yaml` of Kubefuncs listed programs of one image that took messages from a queue. What it says about
 * instances has a setting here, and topic-members.ts reads what it says about the queue. What it says about images and nodes
 * is ignored with a warning.
 */

/** Members beside `functions`. */
export const FORMER_TOP: readonly string[] = ["image"];

/** Why members of a function are ignored. */
const IGNORED: Readonly<Record<string, string>> = {
  image: "Skiff runs the source of the function, not an image",
  command: "Skiff runs the source of the function, not a program of an image",
  args: "Skiff runs the source of the function, not a program of an image",
  ports: "Skiff chooses the address of an instance",
  nodeSelector: "Skiff chooses where instances run",
  tolerations: "Skiff chooses where instances run",
  affinity: "Skiff chooses where instances run",
};
export const FORMER_FUNCTION: readonly string[] = ["replicas", "resources", ...Object.keys(IGNORED)];

/** Returns the settings that a member of Kubefuncs stands for. */
export function fromFormer(
  { key, value, pointer }: DeclaredSetting,
  { label, warn }: { readonly label: string; readonly warn: (text: string) => void },
): DeclaredSetting[] {
  if (key === "replicas") return value === null ? [] : [{ key: "min", value, pointer }];
  if (key !== "resources") {
    warn(`${key} of ${label} is ignored: ${IGNORED[key]}.`);
    return [];
  }
  const { limits, requests } = isRecord(value) ? value : {};
  const memory = [limits, requests].flatMap((each) => (isRecord(each) ? [each.memory] : []));
  const [most] = memory.filter((each) => each !== undefined);
  const others = [limits, requests].flatMap((each) => (isRecord(each) ? Object.keys(each) : []));
  for (const other of new Set(others.filter((each) => each !== "memory"))) {
    warn(`${other} in resources of ${label} is ignored: only memory has a limit.`);
  }
  return most === undefined ? [] : [{ key: "memory", value: most, pointer }];
}
