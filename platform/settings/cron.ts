import { cronFault, splitZone } from "../events/cron.ts";
import { invalid, shorten, shown } from "./invalid-setting.ts";

export const MOST_CRONS = 10;

/**
 * Reads `cron=0 3 * * *&cron=@hourly`. Expressions contain commas, so each has a parameter of its own; `none` removes all.
 * @throws Problem `invalid_setting`
 */
export function cronFromQuery(values: readonly string[]): readonly string[] {
  if (!values.includes("none")) return values;
  if (values.length === 1) return [];
  throw invalid("cron", "cron=none excludes other entries; remove it or the others.");
}

/** @throws Problem `invalid_setting` */
export function checkCron(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > MOST_CRONS) {
    throw invalid("cron", `cron must be a list of at most ${MOST_CRONS} cron expressions.`);
  }
  const crons = value.map((entry) => {
    if (typeof entry !== "string") throw invalid("cron", `cron: ${shown(entry)} is not a string.`);
    const fault = cronFault(splitZone(entry));
    if (fault !== undefined) throw invalid("cron", `cron: ${fault}.`);
    return entry.trim().replaceAll(/\s+/g, " ");
  });
  const twice = crons.find((cron, index) => crons.indexOf(cron) !== index);
  if (twice === undefined) return crons;
  throw invalid("cron", `cron: "${shorten(twice)}" is in the list twice; remove one of them.`);
}
