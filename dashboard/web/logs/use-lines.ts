import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Followed, follow } from "../api/follow.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { serverSentEvents } from "../api/streams.ts";
import { pathOf } from "../function/described.ts";
import { type LogFilters, logQuery } from "./filters.ts";
import { type BufferState, LineBuffer } from "./line-buffer.ts";
import type { LogLine } from "./log-line.ts";

const MOST_LINES = 50_000;
/** So many lines are read at once before the page may draw. */
const AT_ONCE = 250;
/** Between two drawings: nobody reads faster, and typing needs the time. */
const DRAW_MS = 100;
/** Kept lines arrive within it. Until then the page cannot say that there are none. */
const SETTLED_MS = 1_000;

export interface Lines extends BufferState {
  readonly link: "opening" | "live" | "lost";
  /** All lines that were printed before are here. */
  readonly isSettled: boolean;
  /** Why the lines cannot be read. */
  readonly problem: ApiProblem | undefined;
  /** While it holds, new lines wait. */
  readonly hold: (isHolding: boolean) => void;
  readonly clear: () => void;
}

/** Follows the lines of a function, drawn at most ten times a second. */
export function useLines(name: string, filters: LogFilters): Lines {
  const key = JSON.stringify([name, filters]);
  const [clears, setClears] = useState(0);
  const buffer = useMemo(() => new LineBuffer(MOST_LINES), [key, clears]);
  const target = useRef(buffer);
  target.current = buffer;
  const [state, setState] = useState<BufferState>(buffer.state);
  const [link, setLink] = useState<Lines["link"]>("opening");
  const [isSettled, setSettled] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const draw = () => setState(target.current.state);
  useEffect(draw, [buffer]);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    let drawing: ReturnType<typeof setTimeout> | undefined;
    let drawnAt = Number.NEGATIVE_INFINITY;
    let settling: ReturnType<typeof setTimeout> | undefined;
    const opened = () => {
      setLink("live");
      settling ??= setTimeout(() => setSettled(true), SETTLED_MS);
    };
    setLink("opening");
    setSettled(false);
    setProblem(undefined);
    follow({
      signal,
      open: (after) => openLines(name, { filters, after, signal, onOpen: opened }),
      onItem: (line) => {
        target.current.add(line);
        drawing ??= setTimeout(
          () => {
            drawing = undefined;
            drawnAt = performance.now();
            draw();
          },
          drawnAt + DRAW_MS - performance.now(),
        );
      },
      onLost: () => setLink("lost"),
    }).catch((error: unknown) => setProblem(asProblem(error)));
    return () => {
      ending.abort();
      clearTimeout(drawing);
      clearTimeout(settling);
    };
  }, [key]);
  const hold = (isHolding: boolean) => {
    target.current.hold(isHolding);
    draw();
  };
  return { ...state, link, isSettled, problem, hold, clear: () => setClears(clears + 1) };
}

interface Opening {
  readonly filters: LogFilters;
  readonly after: string | undefined;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
}

async function* openLines(
  name: string,
  { filters, after, signal, onOpen }: Opening,
): AsyncGenerator<Followed<LogLine>> {
  const headers = after === undefined ? {} : { "last-event-id": after };
  const query = { ...logQuery(filters), follow: true };
  const path = `${pathOf(name)}/logs`;
  let read = 0;
  for await (const { id, data } of serverSentEvents(path, { query, headers, signal, onOpen })) {
    if (++read % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
    yield { item: JSON.parse(data) as LogLine, ...(id === undefined ? {} : { id }) };
  }
}
