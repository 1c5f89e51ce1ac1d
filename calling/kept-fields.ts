import { fieldsWithout, HOP_FIELDS } from "../http/fields.ts";

/** Fields of one connection, and those that Skiff writes itself when it sends a request. */
export const OWN_FIELDS: ReadonlySet<string> = new Set(
  [...HOP_FIELDS, "Expect", "Content-Length", "X-Skiff-Key"].map((name) => name.toLowerCase()),
);

/**
 * Returns the fields of a response that are kept, names and values in turn. Its length is that of the body that is kept,
 * but a HEAD asks for that of another one.
 */
export function keptFields(headers: readonly string[], method: string): string[] {
  return fieldsWithout(headers, (name) => {
    if (name === "content-length") return method !== "HEAD";
    return OWN_FIELDS.has(name) || name.startsWith("x-skiff-");
  });
}
