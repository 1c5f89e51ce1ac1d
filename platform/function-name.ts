import { Problem } from "./problems.ts";

/**
 * At most 52 characters, so that every name derived from it (`NAME-service`, hashes of ReplicaSets and pods) is still a
 * DNS label of RFC 1123, which Kubernetes requires.
 */
const FUNCTION_NAME = /^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/;

export function isFunctionName(name: string): boolean {
  return FUNCTION_NAME.test(name);
}

/** @throws Problem `invalid_name` */
export function checkFunctionName(name: string | undefined): string {
  if (name !== undefined && isFunctionName(name)) return name;
  const given = name ? `"${name.slice(0, 80)}" is not a valid name` : "The function name is missing";
  throw new Problem(
    "invalid_name",
    `${given}: use 1 to 52 characters of a-z, 0-9 and "-", starting with a letter and not ending with "-".`,
  );
}
