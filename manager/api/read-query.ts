import type { Context } from "koa";
import { Problem } from "../../platform/problems.ts";

/** Characters that an encoder of forms leaves in a value. It writes a space as `+`, and every other one as `%XX`. */
const FORM_ENCODED = /^[A-Za-z0-9*._~+%-]*$/;
/** Values of several words, in which people write `+` for a space. */
const COMMANDS = ["command", "cmd"];

/**
 * Returns the query of the request. A `+` is a plus sign in a value that was written by hand, such as `TOKEN=a+b/c==`,
 * and a space in a value that an encoder of forms wrote, such as `TEXT%3Da+b`. In a command it is always a space.
 * @throws Problem `invalid_request` for bytes that are not UTF-8, because replacing them would change a setting
 */
export function readQuery(ctx: Context): URLSearchParams {
  try {
    decodeURIComponent(ctx.querystring.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch {
    throw new Problem("invalid_request", "The query has percent-encoded bytes that are not UTF-8.");
  }
  return new URLSearchParams(ctx.querystring.split("&").map(keepPlus).join("&"));
}

function keepPlus(parameter: string): string {
  const at = parameter.indexOf("=") + 1;
  const value = parameter.slice(at);
  if (at === 0 || FORM_ENCODED.test(value) || COMMANDS.includes(parameter.slice(0, at - 1))) return parameter;
  return parameter.slice(0, at) + value.replaceAll("+", "%2B");
}

/** Converts the text of a parameter; undefined if the parameter is absent. */
type Reader<T> = (text: string | undefined, name: string) => T;

/**
 * Returns the parameters of the query, each converted by its reader.
 * @throws Problem `invalid_request` that names a parameter which is unknown, repeated or invalid
 */
export function readParameters<R extends Record<string, Reader<unknown>>>(
  ctx: Context,
  readers: R,
): { [N in keyof R]: ReturnType<R[N]> } {
  const texts = new Map<string, string>();
  for (const [key, text] of readQuery(ctx)) {
    if (!Object.hasOwn(readers, key)) throw unknownParameter(key, Object.keys(readers));
    if (texts.has(key)) {
      throw new Problem("invalid_request", `The parameter ${key} was given twice: give it once.`);
    }
    texts.set(key, text);
  }
  const values = Object.entries(readers).map(([name, read]) => [name, read(texts.get(name), name)]);
  return Object.fromEntries(values) as { [N in keyof R]: ReturnType<R[N]> };
}

/**
 * @param known the parameters that the request may have
 * @throws Problem `invalid_request` for any parameter that is left
 */
export function refuseParameters(left: URLSearchParams, known: readonly string[] = []): void {
  for (const key of left.keys()) throw unknownParameter(key, known);
}

function unknownParameter(key: string, known: readonly string[]): Problem {
  const list = known.join(", ") || "none";
  const detail = `There is no parameter "${key.slice(0, 80)}" here. Parameters: ${list}.`;
  return new Problem("invalid_request", detail);
}

/** Reads a whole number from `least` to `most`. */
export function wholeNumber<D>(least: number, most: number, otherwise: D): Reader<number | D> {
  return (text, name) => {
    if (text === undefined) return otherwise;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const detail = `${name}=${text.slice(0, 40)} must be a whole number from ${least} to ${most}.`;
    throw new Problem("invalid_request", detail);
  };
}

/** Reads true or false; a parameter without a value is true. */
export const flag: Reader<boolean> = (text, name) => {
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1" || text === "") return true;
  throw new Problem("invalid_request", `${name}=${text.slice(0, 40)} must be true or false.`);
};
