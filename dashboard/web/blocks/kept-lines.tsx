import { useEffect, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { jsonLines } from "../api/streams.ts";
import { clock } from "../logs/line-row.tsx";
import { LineText } from "../logs/line-text.tsx";
import { type LogLine, plainText } from "../logs/log-line.ts";
import { ProblemNotice } from "../ui/notice.tsx";

/** Lines of one call are few; a function may print more all the same. */
const MOST_LINES = 2_000;

export interface KeptLinesProps {
  /** Of the API, such as `/call/ID/logs`. */
  readonly path: string;
  /** The function that printed them, where it is one. */
  readonly name?: string | undefined;
  /** Reads again when it changes. */
  readonly version: unknown;
  readonly none: string;
}

/** The lines that a path of the API has, read to their end. */
export function KeptLines({ path, name, version, none }: KeptLinesProps) {
  const [lines, setLines] = useState<readonly LogLine[]>();
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
      {lines.map((line, index) => (
        <div key={index} class={`line ${line.level}`}>
          <time dateTime={line.at} title={line.at}>
            {clock(line.at)}
          </time>
          <span>
            <LineText name={name} version={line.version} text={plainText(line)} />
          </span>
        </div>
      ))}
    </section>
  );
}

async function readLines(path: string, signal: AbortSignal): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of jsonLines<LogLine>(path, { signal })) {
    lines.push(line);
    if (lines.length >= MOST_LINES) break;
  }
  return lines;
}
