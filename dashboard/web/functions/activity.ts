import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import type { CallState, Instance, LastHour } from "../function/described.ts";
import type { Share } from "../function/traffic.ts";

/** A function as `GET /func?detail=activity` lists it. */
export interface ActiveFunction {
  readonly name: string;
  readonly version: number;
  readonly url: string;
  readonly ready: number;
  readonly updatedAt: string;
  /** This and what follows is absent if its code is lost. */
  readonly runtime?: string;
  readonly state?: CallState;
  readonly traffic?: readonly Share[];
  readonly instances?: readonly Instance[];
  readonly lastHour?: LastHour;
  readonly series?: Series;
  /** Why there is no last hour. */
  readonly noHistory?: string;
}

/** The last hour in steps, oldest first. */
export interface Series {
  readonly calls: readonly number[];
  readonly errors: readonly number[];
  /** Of the versions that have traffic now. An older manager, during an update, does not answer it. */
  readonly liveErrors?: readonly number[];
  readonly p95Ms: readonly (number | null)[];
}

export interface Functions {
  readonly functions: readonly ActiveFunction[] | undefined;
  readonly problem: ApiProblem | undefined;
  readonly reload: () => Promise<void>;
}

interface Answer {
  readonly functions: readonly ActiveFunction[];
  readonly next: string | null;
}

const EVERY_MS = 4_000;
/** Reading all functions takes one request for each 100 of them, so large lists are read less often. */
const LONG = 300;
const LONG_EVERY_MS = 15_000;

/** Reads all functions page by page, and again while the tab is visible. */
export function useFunctions(): Functions {
  const [functions, setFunctions] = useState<readonly ActiveFunction[]>();
  const [problem, setProblem] = useState<ApiProblem>();
  const count = useRef(0);
  const reload = async () => {
    try {
      const found: ActiveFunction[] = [];
      let cursor: string | null | undefined;
      do {
        const query = { detail: "activity", ...(cursor ? { cursor } : {}) };
        const answer: Answer = await api.get<Answer>("/func", query);
        found.push(...answer.functions);
        cursor = answer.next;
        // The first page of a long list is shown before the last one is read.
        if (count.current === 0) setFunctions([...found]);
      } while (cursor !== null);
      count.current = found.length;
      setFunctions(found);
      setProblem(undefined);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const next = async () => {
      if (!document.hidden) await reload();
      const everyMs = count.current > LONG ? LONG_EVERY_MS : EVERY_MS;
      if (!isGone) timer = setTimeout(() => void next(), everyMs);
    };
    void next();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);
  return { functions, problem, reload };
}
