import type { Precondition, VersionNote } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Call } from "../services.ts";

/** What a deploy says besides the source and the settings. */
export interface DeployOptions {
  readonly note: VersionNote;
  /** Share of the calls that the new version gets, from 0 to 100; by default all. */
  readonly percent?: number | undefined;
}

/** Parameters of a deploy that are no settings. */
export const OPTION_NAMES = ["message", "commit", "traffic"] as const;

export const MESSAGE_LENGTH = 1_000;
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Takes the options of a deploy out of its parameters, which have only settings afterwards.
 * @throws Problem `invalid_request` naming the parameter
 */
export function takeOptions(parameters: URLSearchParams, by: string): DeployOptions {
  const [message, commit, traffic] = OPTION_NAMES.map((name) => {
    const values = parameters.getAll(name);
    parameters.delete(name);
    if (values.length > 1)
      throw new Problem("invalid_request", `The parameter ${name} was given twice: give it once.`);
    return values[0];
  });
  if (message !== undefined && message.length > MESSAGE_LENGTH) {
    const detail = `The message has ${message.length} characters, at most ${MESSAGE_LENGTH}: shorten it.`;
    throw new Problem("invalid_request", detail);
  }
  if (commit !== undefined && !COMMIT.test(commit)) {
    const shown = commit.slice(0, 80);
    throw new Problem(
      "invalid_request",
      `commit=${shown} must be the full id of a git commit, 40 digits of 0-9a-f.`,
    );
  }
  const note = { by, ...(message ? { message } : {}), ...(commit === undefined ? {} : { commit }) };
  return { note, percent: percentOf(traffic) };
}

function percentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 100) return value;
  const detail = `traffic=${text.slice(0, 40)} must be a whole number from 0 to 100, the percentage of the calls.`;
  throw new Problem("invalid_request", detail);
}

/**
 * Reads what a write requires of the function (RFC 9110, section 13).
 * @throws Problem `invalid_request` for fields that a write does not support
 */
export function readPrecondition({ req: { headers } }: Call): Precondition | undefined {
  const { "if-match": match, "if-none-match": noneMatch } = headers;
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === "*" && match === undefined) return "absent";
    const detail =
      'If-None-Match of a write must be *, without If-Match: use If-Match: "VERSION" for a version.';
    throw new Problem("invalid_request", detail);
  }
  if (match === undefined) return undefined;
  if (match.trim() === "*") return "exists";
  // Weak tags never match (RFC 9110, section 13.1.1), nor do tags that are no version.
  return match.split(",").flatMap((tag) => {
    const version = /^\s*"([1-9]\d{0,14})"\s*$/.exec(tag)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

/**
 * Refuses the precondition of a write that concerns no single thing, so that nobody relies on it.
 * @throws Problem `invalid_request`
 */
export function refusePrecondition({ req: { headers } }: Call): void {
  const field = headers["if-match"] !== undefined ? "If-Match" : "If-None-Match";
  if (headers[field.toLowerCase()] === undefined) return;
  throw new Problem("invalid_request", `${field} has no meaning here: send the request without it.`);
}
