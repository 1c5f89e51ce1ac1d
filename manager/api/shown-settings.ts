import type { Settings } from "../../platform/settings/settings.ts";

/** Returns settings as the API shows them: values of the environment may be secrets. */
export function shownSettings(settings: Settings): Settings {
  return { ...settings, env: Object.fromEntries(Object.keys(settings.env).map((key) => [key, "***"])) };
}
