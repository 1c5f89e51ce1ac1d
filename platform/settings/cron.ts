import { cronFault, splitZone } from "../events/cron.ts";
import { invalid, shorten, shown } from "./invalid-setting.ts";

export const MOST_CRONS = 10;

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
