import { closestWord } from "../../process/closest-word.ts";
import { isDeclarationName } from "../declarations.ts";
import { isFunctionName } from "../function-name.ts";
import { formatMs, parseBytes, parseDurationMs } from "../quantity.ts";
import { isRecord, shorten, shown } from "../settings/invalid-setting.ts";

const HOUR_MS = 3_600_000;

/** What is wrong with a spec. */
export interface SpecFault {
  /** JSON pointer (RFC 6901) of the member, such as `/retry/attempts`; empty for the spec itself. */
  readonly pointer: string;
  /** Names the member and its value, and says what to do. */
  readonly detail: string;
}

/** Returns the faults of the member at `path`. */
export type Check = (value: unknown, path: readonly string[]) => readonly SpecFault[];

export function fault(path: readonly string[], detail: string): SpecFault {
  const pointer = path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { pointer, detail };
}

/** Joins the faults of a spec to one text. */
export function faultText(faults: readonly SpecFault[]): string {
  return faults.map(({ detail }) => detail).join(" ");
}

/** @param rule completes `use …` */
export function must(holds: (value: unknown) => boolean, rule: string): Check {
  return (value, path) =>
    holds(value) ? [] : [fault(path, `${path.join(".")} is ${shown(value)}: use ${rule}.`)];
}

/** An object with these members, all of them optional. */
export function members(checks: Readonly<Record<string, Check>>): Check {
  const known = Object.keys(checks);
  return (value, path) => {
    if (!isRecord(value)) {
      const where = path.length === 0 ? "The spec" : path.join(".");
      return [fault(path, `${where} is ${shown(value)}: use an object with ${known.join(", ")}.`)];
    }
    return Object.entries(value).flatMap(([key, member]) => {
      const at = [...path, key];
      if (!Object.hasOwn(checks, key)) return [fault(at, unknownMember(at, key, known))];
      return member === undefined ? [] : checks[key]!(member, at);
    });
  };
}

function unknownMember(path: readonly string[], key: string, known: readonly string[]): string {
  const meant = closestWord(key, known);
  const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return `Unknown member "${shorten(path.join("."))}".${hint} Known: ${known.join(", ")}.`;
}

/** A list of 1 to `most` values. */
export function listOf(check: Check, most: number): Check {
  return (value, path) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > most)
      return must(() => false, `a list of 1 to ${most} values`)(value, path);
    return value.flatMap((each, index) => check(each, [...path, String(index)]));
  };
}

/** An object of texts by names that match `name`. */
export function texts(name: RegExp, rule: string): Check {
  const isValid = (value: unknown) =>
    isRecord(value) &&
    Object.entries(value).every(([key, text]) => name.test(key) && typeof text === "string");
  return must(isValid, rule);
}

export function text(form: RegExp, rule: string): Check {
  return must((value) => typeof value === "string" && form.test(value), rule);
}

export function oneOf(...words: readonly string[]): Check {
  const rule = words.length === 1 ? words[0]! : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return must((value) => typeof value === "string" && words.includes(value), rule);
}

export const FLAG: Check = must((value) => typeof value === "boolean", "true or false");
export const ANY: Check = () => [];

export function wholeNumber(least: number, most: number): Check {
  const isValid = (value: unknown) => Number.isInteger(value) && inRange(value as number, least, most);
  return must(isValid, `a whole number from ${least} to ${most}`);
}

/** A text such as `30s`. */
export function duration(leastMs: number, mostMs: number, example: string): Check {
  const isValid = (value: unknown) =>
    typeof value === "string" && inRange(parseDurationMs(value), leastMs, mostMs);
  return must(isValid, `a duration from ${formatMs(leastMs)} to ${longMs(mostMs)}, such as "${example}"`);
}

/** A text such as `1Mi`. */
export function bytes(least: number, example: string): Check {
  const isValid = (value: unknown) =>
    typeof value === "string" && inRange(parseBytes(value), least, Number.MAX_SAFE_INTEGER);
  return must(isValid, `a number of bytes of at least ${least}, such as "${example}"`);
}

function inRange(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && value >= least && value <= most;
}

/** As `formatMs`, with hours and days. */
function longMs(ms: number): string {
  if (ms < 2 * HOUR_MS) return formatMs(ms);
  return ms <= 24 * HOUR_MS ? `${ms / HOUR_MS} h` : `${ms / (24 * HOUR_MS)} days`;
}

const NAME_RULE = 'a name of 1 to 63 characters of a-z, 0-9 and "-" that starts with a letter';
/** Name of a topic, or of a group. */
export const NAME: Check = must((value) => typeof value === "string" && isDeclarationName(value), NAME_RULE);
export const FUNCTION: Check = must(
  (value) => typeof value === "string" && isFunctionName(value),
  "the name of a function",
);
/** A path of a request, which may have a query. */
export const PATH: Check = text(
  /^\/[\x21-\x22\x24-\x7e]{0,2047}$/,
  "a path that starts with / and has no spaces, such as /orders?dry=1",
);
/** Up to 512 characters, in segments without `.` and `..`, which clients and proxies take away. */
export const PREFIX = /^(?=.{1,512}$)(?:\/|(\/(?!\.{1,2}(\/|$))[-\w.~!$&'()*+,;=:@%]+)+)$/;
export const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** A token (RFC 9110, section 5.6.2). */
export const FIELD = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
/** Fields of the connection, of the length of the body, and of Skiff. */
export const OWN_FIELD = /^(host|content-length|transfer-encoding|connection|(x-)?skiff-.*)$/i;
/** Attributes that an event has from elsewhere. */
export const RESERVED: readonly string[] = ["specversion", "id", "source", "type", "data", "data_base64"];
