import type { IconName } from "../../ui/icon.tsx";

/** By what a step does. */
export const STEP_ICONS: Readonly<Record<string, IconName>> = {
  fn: "functions",
  http: "external",
  publish: "topics",
  exec: "commands",
  flow: "flows",
  wait: "clock",
  approve: "check",
};
