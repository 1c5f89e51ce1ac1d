import type { Context } from "koa";
import { Problem } from "../../platform/problems.ts";

/**
 * The query of the request; bytes that are no UTF-8 are refused instead of being replaced, because they
 * would end in a setting that nobody meant.
 * @throws Problem `invalid_request`
 */
export function readQuery(ctx: Context): URLSearchParams {
  try {
    decodeURIComponent(ctx.querystring.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch {
    throw new Problem("invalid_request", "The query has percent-encoded bytes that are not UTF-8.");
  }
  return new URLSearchParams(ctx.querystring);
}

/**
 * Each parameter of the query at most once, and only those that the route knows.
 * @throws Problem `invalid_request` naming the parameter
 */
export function readParameters<Name extends string>(
  ctx: Context,
  known: readonly Name[],
): Partial<Record<Name, string>> {
  const parameters: Partial<Record<Name, string>> = {};
  for (const [key, value] of readQuery(ctx)) {
    const name = known.find((each) => each === key);
    if (name === undefined) throw unknownParameter(key, known);
    if (parameters[name] !== undefined) {
      throw new Problem("invalid_request", `The parameter ${name} was given twice: give it once.`);
    }
    parameters[name] = value;
  }
  return parameters;
}

/** @throws Problem `invalid_request` unless the text is a whole number from `least` to `most` */
export function wholeNumber(name: string, text: string, [least, most]: readonly [number, number]): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Problem(
    "invalid_request",
    `${name}=${text.slice(0, 40)} must be a whole number from ${least} to ${most}.`,
  );
}

function unknownParameter(key: string, known: readonly string[]): Problem {
  const list = known.length === 0 ? "none" : known.join(", ");
  return new Problem(
    "invalid_request",
    `There is no parameter "${key.slice(0, 80)}" here. Parameters: ${list}.`,
  );
}
