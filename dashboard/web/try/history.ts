import type { Draft, Row } from "./draft.ts";

/** A request that was sent, and what came of it. */
export interface Sent {
  readonly at: string;
  readonly draft: Draft;
  /** Absent if there was no answer. */
  readonly status?: number;
  readonly ms?: number;
}

const MOST = 50;
/** Longer bodies are not kept. */
const MOST_TEXT = 16 * 1024;
/** Names of fields and parameters whose values are credentials. */
const CREDENTIAL = /auth|cookie|token|secret|passw|session|signature|(api|access|skiff)[-_]?key|^key$/i;

/** The part of `localStorage` that the history needs. */
export interface Place {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** The last requests to a function, newest first, kept in this browser without credentials. */
export function readHistory(place: Place, name: string): readonly Sent[] {
  try {
    return JSON.parse(place.getItem(keyOf(name)) ?? "[]") as readonly Sent[];
  } catch {
    // Written by hand or by another version.
    return [];
  }
}

export function addToHistory(place: Place, name: string, sent: Sent): readonly Sent[] {
  const kept = [{ ...sent, draft: withoutCredentials(sent.draft) }, ...readHistory(place, name)].slice(
    0,
    MOST,
  );
  for (let most = kept.length; most > 0; most = Math.floor(most / 2)) {
    try {
      place.setItem(keyOf(name), JSON.stringify(kept.slice(0, most)));
      return kept.slice(0, most);
    } catch {
      // The storage of this origin is full: fewer requests may fit.
    }
  }
  return kept;
}

export function clearHistory(place: Place, name: string): void {
  place.removeItem(keyOf(name));
}

/** Empties the values of fields and parameters that carry credentials. */
export function withoutCredentials(draft: Draft): Draft {
  const clean = (rows: readonly Row[]) =>
    rows.map((row) => (CREDENTIAL.test(row.name) ? { ...row, value: "" } : row));
  const path = draft.path.replace(/([?&])([^=&]*)=([^&]*)/g, (all, mark: string, parameter: string) =>
    CREDENTIAL.test(parameter) ? `${mark}${parameter}=` : all,
  );
  const text = draft.text.length > MOST_TEXT ? "" : draft.text;
  return {
    ...draft,
    ...{ path, text, query: clean(draft.query), headers: clean(draft.headers), form: clean(draft.form) },
  };
}

function keyOf(name: string): string {
  return `skiff.try.${name}`;
}
