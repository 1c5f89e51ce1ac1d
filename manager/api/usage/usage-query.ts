import { Problem } from "../../../platform/problems.ts";
import { parseInstant } from "../../../platform/quantity.ts";
import type { UsageColumn } from "../../../store/store.ts";

const COLUMNS: readonly UsageColumn[] = ["function", "key", "version", "hour"];
const HOUR_MS = 3_600_000;

/** Reads the columns by which usage is grouped, in their order; `function` by default, none if the text is empty. */
export function columns(text: string | undefined): readonly UsageColumn[] {
  if (text === undefined) return ["function"];
  const names = text === "" ? [] : text.split(",");
  for (const [index, name] of names.entries()) {
    const isKnown = (COLUMNS as readonly string[]).includes(name);
    if (isKnown && names.indexOf(name) === index) continue;
    const what = isKnown ? `names ${name} twice` : `has an unknown column "${name.slice(0, 40)}"`;
    throw new Problem("invalid_request", `by ${what}: use some of ${COLUMNS.join(", ")}, each once.`);
  }
  return names as UsageColumn[];
}

/** Reads a time; a date without a time begins at 00:00 UTC. */
export function instant(text: string | undefined, name: string): Date | undefined {
  if (text === undefined) return undefined;
  const at = parseInstant(text);
  if (at !== undefined) return at;
  const example = `${name}=2026-11-29 or ${name}=2026-11-29T14:00:00Z`;
  throw new Problem(
    "invalid_request",
    `${name}=${text.slice(0, 40)} is not a valid time: use one like ${example}.`,
  );
}

export type UsageFormat = "json" | "csv";

export function format(text: string | undefined): UsageFormat | undefined {
  if (text === undefined || text === "json" || text === "csv") return text;
  throw new Problem("invalid_request", `format=${text.slice(0, 40)} is unknown: use json or csv.`);
}

export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/**
 * Returns the whole hours from `from` to `to`, by default the current month with the current hour.
 * @throws Problem `invalid_request` if `from` is not before `to`
 */
export function periodOf(from: Date | undefined, to: Date | undefined, now: Date): Period {
  const monthStart = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()));
  const hourEnd = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS + HOUR_MS);
  const period = { from: wholeHour(from ?? monthStart), to: wholeHour(to ?? hourEnd) };
  if (period.from < period.to) return period;
  const [start, end] = [period.from.toISOString(), period.to.toISOString()];
  const detail = `The time from ${start} to ${end} has no whole hour: choose a later to.`;
  throw new Problem("invalid_request", detail);
}

function wholeHour(at: Date): Date {
  return new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS);
}
