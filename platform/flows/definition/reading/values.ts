import { closestWord } from "../../../../process/closest-word.ts";
import type { Check } from "../../../events/spec-check.ts";
import { parseDurationMs } from "../../../quantity.ts";
import { isRecord, shorten, shown } from "../../../settings/invalid-setting.ts";
import { ExpressionFault } from "../../expressions/fault.ts";
import { bareExpression } from "../../expressions/template.ts";
import type { Expression, Template } from "../definition.ts";
import { OTHER_WORDS, STEP_KEYS } from "./keys.ts";
import type { Place } from "./place.ts";

/** Misspellings are searched for, which takes time. */
const MOST_UNKNOWN = 20;

/** Whether the place has an object. Unknown keys are faults. */
export function isObject(place: Place, known: readonly string[]): boolean {
  if (!isRecord(place.value)) {
    place.wrong(`an object with ${known.join(", ")}`);
    return false;
  }
  const unknown = place.all().filter(({ key }) => !known.includes(key));
  for (const member of unknown.slice(0, MOST_UNKNOWN)) unknownKey(member, known);
  return true;
}

/** @param known the valid keys in this place */
export function unknownKey(place: Place, known: readonly string[]): void {
  const name = shorten(place.name);
  if (place.key === "true" && known.includes("on")) {
    place.keyFault(`The key "${name}" is how YAML 1.1 reads on: quote it, as in "on":.`);
    return;
  }
  const word =
    known === STEP_KEYS && Object.hasOwn(OTHER_WORDS, place.key) ? OTHER_WORDS[place.key] : undefined;
  const hint = word === undefined ? meant(place.key, known) : ` Did you mean "${word}"?`;
  place.keyFault(`Unknown key "${name}".${hint} Known: ${known.join(", ")}.`);
}

/** Returns ` Did you mean "x"?`, or nothing. */
export function meant(given: string, known: readonly string[]): string {
  // Any two names of one or two letters are close.
  const closest = given.length < 3 ? undefined : closestWord(given, known);
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
export function shortMs(ms: number): string {
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

/** Reads an expression, which may be in `${ }`. */
export function expressionOf(
  place: Place | undefined,
  rule = "an expression, such as input.total > 10",
): Expression | undefined {
  if (place === undefined) return undefined;
  const { value, path, reading } = place;
  if (typeof value !== "string" || value.trim() === "") {
    return place.wrong(rule);
  }
  try {
    const { expression, offset } = bareExpression(value);
    const spaces = expression.length - expression.trimStart().length;
    reading.uses.push({ path, expression: expression.trim(), offset: offset + spaces });
    return expression.trim();
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    const rule = 'such as input.a == "x" && input.b > 1';
    return place.fault(`${place.name} is an expression as a whole: write it without \${ and }, ${rule}.`);
  }
}

/** Reads an expression for which true and false may stand. */
export function conditionOf(place: Place | undefined): Expression | undefined {
  return typeof place?.value === "boolean" ? String(place.value) : expressionOf(place);
}

/** Reads a value in which texts may hold expressions. */
export function templateOf(place: Place | undefined): Template {
  if (place !== undefined) place.reading.uses.push({ path: place.path, template: place.value });
  return place?.value;
}

/** Reads a text that may hold expressions. @param rule completes `use …` */
export function textTemplateOf(place: Place | undefined, form: RegExp, rule: string): string | undefined {
  const text = textOf(place, form, rule);
  if (text !== undefined) templateOf(place);
  return text;
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
