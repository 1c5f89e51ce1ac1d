import type { Precondition } from "./platform.ts";
import { Problem } from "./problems.ts";

/**
 * Checks what a change requires of a function.
 * @param current its current version; undefined if the function does not exist
 * @throws Problem `precondition_failed` with the current version
 */
export function checkPrecondition(
  name: string,
  expected: Precondition | undefined,
  current: number | undefined,
): void {
  if (expected === undefined) return;
  if (expected === "absent") {
    if (current === undefined) return;
    throw failed(`The function "${name}" exists, at version ${current}.`, current);
  }
  if (current === undefined) throw failed(`There is no function "${name}".`, current);
  if (expected === "exists" || expected.includes(current)) return;
  const advice = "read it, then try again with If-Match of that version.";
  throw failed(`The current version of "${name}" is ${current}: ${advice}`, current);
}

function failed(detail: string, version: number | undefined): Problem {
  return new Problem("precondition_failed", detail, version === undefined ? {} : { version });
}
