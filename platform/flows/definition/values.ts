import { closestWord } from "../../../process/closest-word.ts";
import type { Check } from "../../events/spec-check.ts";
import { parseDurationMs } from "../../quantity.ts";
import { isRecord, shorten, shown } from "../../settings/invalid-setting.ts";
import type { Expression, Template } from "./definition.ts";
import type { Place } from "./place.ts";

/** Whether the place has an object. Unknown keys are faults. */
export function isObject(place: Place, known: readonly string[]): boolean {
  if (!isRecord(place.value)) {
    place.wrong(`an object with ${known.join(", ")}`);
    return false;
  }
  for (const member of place.all()) if (!known.includes(member.key)) unknownKey(member, known);
  return true;
}

/** @param known the valid keys in this place */
export function unknownKey(place: Place, known: readonly string[]): void {
  place.keyFault(
    `Unknown key "${shorten(place.name)}".${meant(place.key, known)} Known: ${known.join(", ")}.`,
  );
}

/** Returns ` Did you mean "x"?`, or nothing. */
export function meant(given: string, known: readonly string[]): string {
  const closest = closestWord(given, known);
  return closest === undefined ? "" : ` Did you mean "${closest}"?`;
}

/** @param rule completes `use …` */
export function textOf(place: Place | undefined, form: RegExp, rule: string): string | undefined {
  if (place === undefined) return undefined;
  return typeof place.value === "string" && form.test(place.value) ? place.value : place.wrong(rule);
}

export function choiceOf<W extends string>(place: Place | undefined, words: readonly W[]): W | undefined {
  if (place === undefined) return undefined;
  const word = words.find((each) => each === place.value);
  if (word !== undefined) return word;
  const hint = typeof place.value === "string" ? meant(place.value, words) : "";
  return place.fault(`${place.name} is ${shown(place.value)}: use ${listed(words)}.${hint}`);
}

export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

export function wholeOf(place: Place | undefined, { least, most }: Range): number | undefined {
  if (place === undefined) return undefined;
  const { value } = place;
  const isValid = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return isValid ? (value as number) : place.wrong(`a whole number from ${least} to ${most}`);
}

export interface DurationRange extends Range {
  readonly example: string;
}

/** Reads a text such as `30s`, in milliseconds. */
export function durationOf(place: Place | undefined, range: DurationRange): number | undefined {
  if (place === undefined) return undefined;
  const ms = typeof place.value === "string" ? parseDurationMs(place.value) : undefined;
  if (ms !== undefined && ms >= range.least && ms <= range.most) return ms;
  return place.wrong(
    `a duration from ${shortMs(range.least)} to ${shortMs(range.most)}, such as ${range.example}`,
  );
}

/** As a duration is written: `30s`, `7d`. */
function shortMs(ms: number): string {
  const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };
  const unit = Object.entries(units).find(([, size]) => ms >= size && ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}

/** Reads a list, or one value in the place of a list of one. */
export function manyOf<T>(
  place: Place | undefined,
  read: (place: Place) => T | undefined,
  most: number,
): readonly T[] {
  if (place === undefined) return [];
  const places = Array.isArray(place.value) ? place.all() : [place];
  if (places.length > most) place.fault(`${place.name} has ${places.length} values: use at most ${most}.`);
  return places
    .slice(0, most)
    .map(read)
    .filter((value) => value !== undefined);
}

const WRAPPED = /^\s*\$\{([\s\S]*)\}\s*$/;

/** Reads an expression, which may be in `${ }`. */
export function expressionOf(place: Place | undefined): Expression | undefined {
  if (place === undefined) return undefined;
  const { value } = place;
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value !== "string" || value.trim() === "")
    return place.wrong("an expression, such as input.total > 10");
  const text = (WRAPPED.exec(value)?.[1] ?? value).trim();
  if (!text.includes("${")) return text;
  const rule = 'such as input.a == "x" && input.b > 1';
  return place.fault(`${place.name} is an expression as a whole: write it without \${ and }, ${rule}.`);
}

/** Reads a value in which texts may hold expressions. */
export function templateOf(place: Place | undefined): Template {
  return place?.value;
}

/** Reads a text that may hold expressions. */
export function textTemplateOf(place: Place | undefined, rule: string): string | undefined {
  return textOf(place, /\S/, rule);
}

/** Reads a value that a check of the room of events accepts. */
export function checkedOf<T>(place: Place | undefined, check: Check): T | undefined {
  if (place === undefined) return undefined;
  const faults = check(place.value, place.path);
  for (const { pointer, detail } of faults) {
    const parts = pointer.split("/").slice(1);
    const path = parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    place.reading.faults.push({ path, message: detail, isKey: true });
  }
  return faults.length === 0 ? (place.value as T) : undefined;
}
