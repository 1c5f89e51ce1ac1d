import { useEffect, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { jsonLines } from "../api/streams.ts";
import { ProblemNotice } from "../ui/notice.tsx";

interface Line {
  readonly at: string;
  readonly level: string;
  readonly text: string;
  readonly callId?: string;
}

/** Lines of one call are few; a function may print more all the same. */
const MOST_LINES = 2_000;

export interface KeptLinesProps {
  /** Of the API, such as `/call/ID/logs`. */
  readonly path: string;
  /** Reads again when it changes. */
  readonly version: unknown;
  readonly none: string;
}

/** The lines that a path of the API has, read to their end. */
export function KeptLines({ path, version, none }: KeptLinesProps) {
  const [lines, setLines] = useState<readonly Line[]>();
  const [problem, setProblem] = useState<ApiProblem>();
  useEffect(() => {
    const ending = new AbortController();
    readLines(path, ending.signal).then(
      (found) => {
        setLines(found);
        setProblem(undefined);
      },
      (error: unknown) => void (ending.signal.aborted || setProblem(asProblem(error))),
    );
    return () => ending.abort();
  }, [path, version]);
  if (problem !== undefined) return <ProblemNotice problem={problem} />;
  if (lines === undefined) return <div class="loading">Loading…</div>;
  if (lines.length === 0) return <p class="muted">{none}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
    <section class="lines" tabIndex={0} aria-label="Log lines">
      {lines.map(({ at, level, text }, index) => (
        <div key={index} class={`line ${level}`}>
          <time dateTime={at} title={at}>
            {at.slice(11, 23)}
          </time>
          <span>{text}</span>
        </div>
      ))}
    </section>
  );
}

async function readLines(path: string, signal: AbortSignal): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of jsonLines<Line>(path, { signal })) {
    lines.push(line);
    if (lines.length >= MOST_LINES) break;
  }
  return lines;
}
