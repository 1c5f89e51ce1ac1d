import { limitsFromEnv } from "../../../platform/limits.ts";
import {
  applySettings,
  defaultSettings,
  type SettingsPatch,
  settingsFromQuery,
} from "../../../platform/settings/settings.ts";

export const limits = limitsFromEnv({});
export const defaults = defaultSettings(limits);

/** Returns settings after a change, by default of the defaults, under the default limits. */
export function apply(patch: SettingsPatch, current = defaults) {
  return applySettings(current, patch, limits);
}

/** As `apply`, for a change in a query. */
export function fromQuery(query: string, current = defaults) {
  return apply(settingsFromQuery(new URLSearchParams(query)), current);
}
