import { h } from "preact";

/** Returns the parts of a text from the API: what stands in backticks is code. */
export function withCode(text: string | undefined) {
  return text
    ?.split(/(`[^`]+`)/)
    .filter((part) => part !== "")
    .map((part) => (/^`[^`]+`$/.test(part) ? h("code", null, part.slice(1, -1)) : part));
}
