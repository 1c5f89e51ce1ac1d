/** Results that JSON would turn into `{}` or `[]`, and what to return instead. */

const WHAT_TO_RETURN =
  "Return a Response, a string, bytes, a stream, or what JSON can express: plain objects, arrays, numbers, booleans.";

/** Describes a result that cannot be sent. Undefined if JSON can express it. */
export function describeUnusable(value: unknown): string | undefined {
  if (typeof value === "function") {
    return /^class\b/.test(Function.prototype.toString.call(value)) ? "a class" : "a function";
  }
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "bigint") return "a BigInt";
  if (
    typeof value !== "object" ||
    value === null ||
    typeof (value as { toJSON?: unknown }).toJSON === "function"
  )
    return undefined;
  if (value instanceof Error) return `an error (${value.name}: ${value.message}) instead of throwing it`;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (["Map", "Set", "WeakMap", "WeakSet", "Promise", "RegExp"].includes(tag)) return `a ${tag}`;
  const { next } = value as { next?: unknown };
  if (typeof next === "function" && (Symbol.iterator in value || Symbol.asyncIterator in value)) {
    return /Generator/.test(tag) ? "a generator" : "an iterator";
  }
  return undefined;
}

/** Creates the error for a result that cannot be sent. */
export function unusable(value: unknown, what: string): TypeError {
  const cause = value instanceof Error ? { cause: value } : {};
  return new TypeError(`The function returned ${what}. ${WHAT_TO_RETURN}`, cause);
}
