import { useEffect, useRef } from "preact/hooks";
import { Copy } from "../ui/copy.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Section } from "../ui/page.tsx";
import { Badge, durationText } from "../ui/values.tsx";
import type { Run } from "./run.ts";

/** The output of a command as it comes. Errors have a colour of their own. */
export function Output({ run }: { readonly run: Run }) {
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const text = run.parts.map((part) => part.text).join("");
  useEffect(() => {
    // Whoever scrolled back reads there.
    if (isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [run.parts]);
  return (
    <Section title="Output" actions={<RunBadges run={run} />}>
      <ProblemNotice problem={run.problem} />
      {run.error === undefined ? null : <p class="error-text bad-text">{run.error}</p>}
      <div class="body-text">
        {text === "" ? null : <Copy text={text} />}
        <section
          class="terminal"
          ref={box}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
          tabIndex={0}
          aria-label="Output of the command"
          onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
            isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 20;
          }}
        >
          {run.isCut ? <p class="muted">The beginning is left out.</p> : null}
          <pre>
            {run.parts.map(({ stream, text: part }, index) => (
              <span key={index} class={stream}>
                {part}
              </span>
            ))}
          </pre>
          {text === "" ? (
            <span class="muted">{run.durationMs === undefined ? "Running…" : "No output."}</span>
          ) : null}
        </section>
      </div>
    </Section>
  );
}

/** How a command ended, or that it runs. */
export function RunBadges({ run }: { readonly run: Run }) {
  const { exitCode, durationMs, isStopped, problem, error } = run;
  if (durationMs === undefined) return <Badge tone="info">running</Badge>;
  const time = <span class="muted number">{durationText(durationMs)}</span>;
  if (isStopped)
    return (
      <>
        {time} <Badge tone="warn">stopped</Badge>
      </>
    );
  if (problem !== undefined) return <Badge tone="bad">{problem.code}</Badge>;
  if (error !== undefined)
    return (
      <>
        {time} <Badge tone="bad">ended by Skiff</Badge>
      </>
    );
  return (
    <>
      {time} <Badge tone={exitCode === 0 ? "ok" : "bad"}>exit {exitCode}</Badge>
    </>
  );
}
