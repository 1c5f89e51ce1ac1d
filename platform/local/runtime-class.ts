import { invalid } from "../settings/invalid-setting.ts";
import type { Settings } from "../settings/settings.ts";

/** @throws Problem `invalid_setting` for a RuntimeClass: there are no pods on one machine */
export function checkRuntimeClass({ runtimeClass }: Pick<Settings, "runtimeClass">): void {
  if (runtimeClass === "") return;
  const detail = `runtimeClass=${runtimeClass} is for the pods of Kubernetes, and this Skiff runs on one machine: leave it out.`;
  throw invalid("runtimeClass", detail);
}
