import { closestWord } from "../../process/closest-word.ts";
import { Problem } from "../problems.ts";

export function invalid(setting: string, detail: string): Problem {
  return new Problem("invalid_setting", detail, { setting });
}

/** @param known the valid names in this place */
export function unknownSetting(key: string, known: readonly string[]): Problem {
  const name = shorten(key);
  const meant = closestWord(key, known);
  const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return invalid(name, `Unknown setting "${name}".${hint} Settings: ${known.join(", ")}.`);
}

export function shorten(text: string): string {
  return text.slice(0, 80);
}

/** Returns the beginning of a value of JSON, for errors. */
export function shown(value: unknown): string {
  return shorten(String(JSON.stringify(value)));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
