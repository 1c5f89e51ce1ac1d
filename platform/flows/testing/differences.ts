/** At most this many are told of one value. */
const MOST = 5;

/** Sentences that say how a value of JSON differs from the expected one, with the place; none: they are equal. */
export function differences(found: unknown, expected: unknown, what: string): string[] {
  const sentences: string[] = [];
  compare(found, expected, what);
  return sentences.length > MOST
    ? [...sentences.slice(0, MOST), `${what} has ${sentences.length - MOST} more differences.`]
    : sentences;

  function compare(a: unknown, b: unknown, place: string): void {
    if (Array.isArray(a) && Array.isArray(b)) compareLists(a, b, place);
    else if (isObject(a) && isObject(b)) compareObjects(a, b, place);
    else if (!Object.is(a ?? null, b ?? null)) sentences.push(`${place} is ${shown(a)}, not ${shown(b)}.`);
  }

  function compareLists(a: readonly unknown[], b: readonly unknown[], place: string): void {
    if (a.length !== b.length) {
      sentences.push(`${place} has ${a.length} elements, not ${b.length}: ${shown(a)}.`);
      return;
    }
    for (const [index, item] of a.entries()) compare(item, b[index], `${place}[${index}]`);
  }

  function compareObjects(a: Record<string, unknown>, b: Record<string, unknown>, place: string): void {
    for (const key of new Set([...Object.keys(b), ...Object.keys(a)])) {
      const [ours, theirs] = [own(a, key), own(b, key)];
      if (ours === undefined && theirs === undefined) continue;
      if (theirs === undefined)
        sentences.push(`${place}.${key} is ${shown(ours)}, and nothing was expected.`);
      else if (ours === undefined) sentences.push(`${place}.${key} is absent, not ${shown(theirs)}.`);
      else compare(ours, theirs, `${place}.${key}`);
    }
  }
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As JSON, shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
