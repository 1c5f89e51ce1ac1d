import { useEffect, useRef, useState } from "preact/hooks";
import { api, type Query } from "../api/client.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { ended } from "../session/credential.ts";

export interface Paged<T> {
  readonly rows: readonly T[];
  readonly problem: ApiProblem | undefined;
  readonly isLoading: boolean;
  /** There are more rows than were read. */
  readonly hasMore: boolean;
  readonly more: () => Promise<void>;
  readonly reload: () => Promise<void>;
}

interface PagedOptions {
  readonly query?: Query;
  /** Reads the first page again this often, in milliseconds, while only that one is shown. */
  readonly everyMs?: number;
}

interface State<T> {
  readonly key: string;
  readonly rows: readonly T[];
  readonly next: string | null;
  readonly pages: number;
  readonly problem?: ApiProblem;
}

/**
 * Reads a list of the API page by page.
 * @param member that has the rows, such as `calls`
 */
export function usePaged<T>(path: string, member: string, { query, everyMs }: PagedOptions = {}): Paged<T> {
  const key = `${path} ${JSON.stringify(query)}`;
  const [state, setState] = useState<State<T>>();
  /** The read that was begun last: answers to the ones before come too late. */
  const latest = useRef<symbol | undefined>(undefined);
  const read = async (cursor?: string) => {
    const own = Symbol(key);
    latest.current = own;
    try {
      const answer = await api.get<Record<string, unknown>>(path, { ...query, cursor });
      if (latest.current !== own) return;
      const rows = answer[member] as readonly T[];
      const next = (answer.next as string | null | undefined) ?? null;
      setState((before) => {
        const kept = cursor !== undefined && before?.key === key ? before : { rows: [], pages: 0 };
        return { key, rows: [...kept.rows, ...rows], next, pages: kept.pages + 1 };
      });
    } catch (error) {
      const problem = asProblem(error);
      if (latest.current !== own) return;
      setState((before) => ({
        ...(before?.key === key ? before : { key, rows: [], next: null, pages: 0 }),
        problem,
      }));
    } finally {
      if (latest.current === own) latest.current = undefined;
    }
  };
  const pages = state?.key === key ? state.pages : 0;
  const isSignedIn = ended.value === undefined;
  useEffect(() => void (isSignedIn && read()), [key, isSignedIn]);
  useEffect(() => {
    if (everyMs === undefined || pages > 1 || !isSignedIn) return undefined;
    const timer = setInterval(() => {
      // An answer that is on its way, such as that of "Show more", goes first.
      if (!document.hidden && latest.current === undefined) void read();
    }, everyMs);
    return () => clearInterval(timer);
  }, [key, everyMs, pages > 1, isSignedIn]);
  const current = state?.key === key ? state : undefined;
  return {
    rows: current?.rows ?? [],
    problem: current?.problem,
    isLoading: current === undefined,
    hasMore: (current?.next ?? null) !== null,
    more: () => read(current?.next ?? undefined),
    reload: () => read(),
  };
}
