/** A text of a form that must be a JSON object; an empty one is none. */
export type JsonObject =
  | { readonly value: Readonly<Record<string, unknown>>; readonly fault?: undefined }
  | { readonly fault: string };

export function readObject(text: string): JsonObject {
  if (text.trim() === "") return { value: {} };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { value: value as Record<string, unknown> };
    return { fault: 'Write an object, such as {"order": "key"}.' };
  } catch (error) {
    return { fault: `This is not valid JSON: ${(error as Error).message}` };
  }
}

/** The members of a spec that a form has no field for, as text. */
export function otherMembers(spec: Readonly<Record<string, unknown>>, known: readonly string[]): string {
  const others = Object.entries(spec).filter(([name]) => !known.includes(name));
  return others.length === 0 ? "" : JSON.stringify(Object.fromEntries(others), undefined, 2);
}
