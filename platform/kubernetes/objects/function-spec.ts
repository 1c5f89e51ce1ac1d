import type { Limits } from "../../limits.ts";
import { applySettings, defaultSettings, type Settings } from "../../settings.ts";
import type { FunctionSpec } from "../cluster/resources.ts";

const NUMBERS = ["min", "max", "concurrency", "timeoutMs", "idleMs", "memoryMiB"] as const;

/**
 * The settings of a Function, checked by the same rules as those of a deploy.
 * @throws Problem `invalid_setting`
 */
export function checkedSettings(spec: FunctionSpec, limits: Limits): Settings {
  const { env, permissions } = spec;
  const numbers = NUMBERS.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]]));
  const patch = {
    ...Object.fromEntries(numbers),
    ...(env === undefined ? {} : { env }),
    ...(permissions === undefined ? {} : { permissions }),
  };
  return applySettings(defaultSettings(limits), patch, limits);
}

/** The numbers among the settings, taken as they are: whoever published them has checked them. */
export function settingsOf(spec: FunctionSpec, limits: Limits): Pick<Settings, (typeof NUMBERS)[number]> {
  return { ...defaultSettings(limits), ...defined(spec) };
}

function defined(spec: FunctionSpec): Partial<Settings> {
  return Object.fromEntries(
    NUMBERS.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])),
  ) as Partial<Settings>;
}

/** The settings as fields of a Function. */
export function specOf({ permissions, env, ...numbers }: Settings): FunctionSpec {
  return { ...numbers, env, permissions: { net: permissions.net, sys: permissions.sys } };
}
