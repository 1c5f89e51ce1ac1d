import { Problem } from "../../platform/problems.ts";

/** Characters that an encoder of forms leaves in a value. It writes a space as `+`, and every other one as `%XX`. */
const FORM_ENCODED = /^[A-Za-z0-9*._~+%-]*$/;
/** Values of several words, in which people write `+` for a space. */
const COMMANDS = ["command", "cmd"];

/**
 * Returns the parameters of a query without its `?`. A `+` is a plus sign in a value that was written by hand, such as `TOKEN=a+b/c==`,
 * and a space in a value that an encoder of forms wrote, such as `TEXT%3Da+b`. In a command it is always a space.
 * @throws Problem `invalid_request` for bytes that are not UTF-8, because replacing them would change a setting
 */
export function parseQuery(query: string): URLSearchParams {
  try {
    decodeURIComponent(query.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch {
    throw new Problem("invalid_request", "The query has percent-encoded bytes that are not UTF-8.");
  }
  return new URLSearchParams(query.split("&").map(keepPlus).join("&"));
}

function keepPlus(parameter: string): string {
  const at = parameter.indexOf("=") + 1;
  const value = parameter.slice(at);
  if (at === 0 || FORM_ENCODED.test(value) || COMMANDS.includes(parameter.slice(0, at - 1))) return parameter;
  return parameter.slice(0, at) + value.replaceAll("+", "%2B");
}

/**
 * @param known the parameters that the request may have
 * @throws Problem `invalid_request` for any parameter that is left
 */
export function refuseParameters(left: URLSearchParams, known: readonly string[] = []): void {
  for (const key of left.keys()) throw unknownParameter(key, known);
}

export function unknownParameter(key: string, known: readonly string[]): Problem {
  const list = known.join(", ") || "none";
  const detail = `There is no parameter "${key.slice(0, 80)}" here. Parameters: ${list}.`;
  return new Problem("invalid_request", detail);
}
