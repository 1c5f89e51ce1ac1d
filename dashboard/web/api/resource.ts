import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ended } from "../session/credential.ts";
import { api, type Query } from "./client.ts";
import { type ApiProblem, asProblem } from "./problem.ts";

export interface Resource<T> {
  /** The last answer; it stays while a later request fails. */
  readonly data: T | undefined;
  /** Why the last request failed. */
  readonly problem: ApiProblem | undefined;
  /** The first answer has not come. */
  readonly isLoading: boolean;
  /** Reads again now. Resolves when the answer is there. */
  readonly reload: () => Promise<void>;
  /** Reads again now, after a write. @throws ApiProblem, which the page shows as well */
  readonly read: () => Promise<T>;
}

export interface ResourceOptions {
  readonly query?: Query;
  /** Reads again this often, in milliseconds, while the tab is visible. Once by default. */
  readonly everyMs?: number;
}

interface Read<T> {
  readonly key: string;
  readonly data?: T;
  readonly problem?: ApiProblem;
}

/** Reads a path of the API. Undefined as the path reads nothing. */
export function useResource<T>(path: string | undefined, options: ResourceOptions = {}): Resource<T> {
  const { query, everyMs } = options;
  const key = path === undefined ? "" : `${path} ${JSON.stringify(query)}`;
  const [read, setRead] = useState<Read<T>>({ key });
  const latest = useRef(key);
  latest.current = key;
  // What failed meanwhile is read again when somebody has signed in again.
  const isSignedIn = ended.value === undefined;
  const readAgain = useCallback(async () => {
    try {
      const data = await api.get<T>(path!, query);
      if (latest.current === key) setRead({ key, data });
      return data;
    } catch (error) {
      const problem = asProblem(error);
      if (latest.current === key)
        setRead((before) => ({ ...(before.key === key ? before : {}), key, problem }));
      throw problem;
    }
    // The key stands for path and query.
  }, [key]);
  const reload = useCallback(async () => {
    // The problem is in the state.
    if (path !== undefined) await readAgain().catch(() => undefined);
  }, [key]);
  useEffect(() => {
    if (path === undefined || !isSignedIn) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const next = async () => {
      if (!document.hidden) await reload();
      if (!isGone && everyMs !== undefined) timer = setTimeout(() => void next(), everyMs);
    };
    void next();
    const shown = () => void (!document.hidden && everyMs !== undefined && reload());
    document.addEventListener("visibilitychange", shown);
    return () => {
      isGone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [reload, everyMs, isSignedIn]);
  const current = read.key === key ? read : undefined;
  return {
    data: current?.data,
    problem: current?.problem,
    isLoading: path !== undefined && current?.data === undefined && current?.problem === undefined,
    reload,
    read: readAgain,
  };
}
