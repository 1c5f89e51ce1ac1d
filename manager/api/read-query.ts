import type { Context } from "koa";
import { parseQuery, unknownParameter } from "../../http/parameters/query.ts";
import { Problem } from "../../platform/problems.ts";

/** @throws Problem `invalid_request` */
export function readQuery(ctx: Context): URLSearchParams {
  return parseQuery(ctx.querystring);
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

/** Reads one of the words. */
export function oneOf<W extends string>(words: readonly W[]): Reader<W | undefined> {
  return (text, name) => {
    const found = words.find((word) => word === text);
    if (text === undefined || found !== undefined) return found;
    const detail = `${name}=${text.slice(0, 40)} is not valid: use ${words.join(" or ")}.`;
    throw new Problem("invalid_request", detail);
  };
}

/** Reads some of the words, separated by commas. */
export function someOf<W extends string>(words: readonly W[]): Reader<readonly W[] | undefined> {
  return (text, name) => {
    if (text === undefined) return undefined;
    const found = text.split(",").map((part) => words.find((word) => word === part));
    if (found.every((word) => word !== undefined)) return [...new Set(found)];
    const detail = `${name}=${text.slice(0, 40)} is not valid: use some of ${words.join(", ")}, separated by commas.`;
    throw new Problem("invalid_request", detail);
  };
}

/** Reads true or false; a parameter without a value is true. */
export const flag: Reader<boolean> = (text, name) => {
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1" || text === "") return true;
  throw new Problem("invalid_request", `${name}=${text.slice(0, 40)} must be true or false.`);
};
