import type { KeptLine, LogStore } from "../../../store/store.ts";

/** Most lines of one call or attempt: the newest. */
const MOST_LINES = 1_000;
/** Longest search for a call whose function is not known. */
const SEARCH_MS = 5_000;
/** Logs that are searched at the same time. */
const AT_ONCE = 4;

export interface LineOf {
  readonly function: string;
  readonly line: KeptLine;
}

export interface FoundLines {
  readonly lines: readonly LineOf[];
  /** The search took too long: other functions may have lines. */
  readonly isCut: boolean;
}

/** Returns the lines of calls of one function. */
export async function linesOf(
  logs: LogStore | undefined,
  name: string,
  callIds: readonly string[],
): Promise<readonly LineOf[]> {
  const found: LineOf[] = [];
  for (const call of logs === undefined ? [] : callIds) {
    for await (const line of logs!.read(name, { call, tail: MOST_LINES }))
      found.push({ function: name, line });
  }
  return found;
}

/** Searches the logs of functions for a call. A call is one of one function, so the first find ends the search. */
export async function searchLines(
  logs: LogStore | undefined,
  names: readonly string[],
  callId: string,
): Promise<FoundLines> {
  const untilMs = performance.now() + SEARCH_MS;
  for (let at = 0; at < names.length; at += AT_ONCE) {
    if (performance.now() > untilMs) return { lines: [], isCut: true };
    const some = names.slice(at, at + AT_ONCE);
    const found = await Promise.all(some.map((name) => linesOf(logs, name, [callId])));
    const lines = found.flat();
    if (lines.length > 0) return { lines, isCut: false };
  }
  return { lines: [], isCut: false };
}
