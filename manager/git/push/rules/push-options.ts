import { Problem } from "../../../../platform/problems.ts";

/** What `git push -o …` asks for. */
export interface PushOptions {
  /** Of the versions, instead of the subject of the commit. */
  readonly message?: string;
  /** Builds, and changes nothing. */
  readonly isDryRun: boolean;
  /** Share of the calls that new versions get, from 0 to 100; by default all. */
  readonly percent?: number;
}

/** Longest message of a version. */
export const MESSAGE_CHARACTERS = 1_000;
const KNOWN = "message=TEXT, traffic=0 to 100, dry-run";

/** @throws Problem `push_refused` naming the option */
export function readPushOptions(options: readonly string[]): PushOptions {
  let read: PushOptions = { isDryRun: false };
  const seen = new Set<string>();
  for (const option of options) {
    const [, name = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(option)!;
    if (seen.has(name)) throw refused(`The push option ${shown(name)} was given twice: give it once.`);
    seen.add(name);
    if (name === "dry-run" && (value === undefined || value === "true")) read = { ...read, isDryRun: true };
    else if (name === "message" && value !== undefined) read = { ...read, message: checkedMessage(value) };
    else if (name === "traffic" && value !== undefined) read = { ...read, percent: percentOf(value) };
    else throw refused(`Unknown push option ${shown(option)}. There are ${KNOWN}.`);
  }
  return read;
}

function checkedMessage(message: string): string {
  const { length } = message;
  if (length <= MESSAGE_CHARACTERS) return message;
  throw refused(`The message has ${length} characters, at most ${MESSAGE_CHARACTERS}: shorten it.`);
}

function percentOf(text: string): number {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 100) return value;
  throw refused(
    `traffic=${text.slice(0, 40)} must be a whole number from 0 to 100, the percentage of the calls.`,
  );
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function refused(detail: string): Problem {
  return new Problem("push_refused", detail);
}
