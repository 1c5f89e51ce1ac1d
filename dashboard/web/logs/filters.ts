/** Which lines are shown; the server applies it. It stands in the address of the page. */
export interface LogFilters {
  readonly level?: string;
  readonly version?: string;
  readonly status?: string;
  readonly call?: string;
  readonly search?: string;
  readonly since?: string;
}

export const FILTERS = ["level", "version", "status", "call", "search", "since"] as const;

/** Lines of the past that are shown without a filter of time or call; with one the API has a limit of its own. */
const TAIL = 1_000;

export function readFilters(address: URLSearchParams): LogFilters {
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = address.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}

export function logQuery(filters: LogFilters): Record<string, string | number> {
  const isBounded = filters.since !== undefined || filters.call !== undefined;
  return { ...filters, ...(isBounded ? {} : { tail: TAIL }) };
}

/** Returns the text in parts; every second one is what was searched for. */
export function partsAround(text: string, search: string | undefined): string[] {
  if (!search) return [text];
  const [low, wanted] = [text.toLowerCase(), search.toLowerCase()];
  // Some letters change their length in lower case: the places would not fit.
  if (low.length !== text.length) return [text];
  const parts: string[] = [];
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}
