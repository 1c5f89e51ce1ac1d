import type { FunctionDescription } from "../../../platform/platform.ts";

/** The versions that take calls now. Failures of all others concern no caller any more. */
export function liveVersions(traffic: FunctionDescription["traffic"]): ReadonlySet<number> {
  return new Set(traffic.filter(({ weight }) => weight > 0).map(({ version }) => version));
}
