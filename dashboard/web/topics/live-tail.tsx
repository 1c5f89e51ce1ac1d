import { useEffect, useRef, useState } from "preact/hooks";
import { type Followed, follow } from "../api/follow.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { serverSentEvents } from "../api/streams.ts";
import { BodyText } from "../blocks/body-text.tsx";
import { Button } from "../ui/button.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Section } from "../ui/page.tsx";
import { Badge, When } from "../ui/values.tsx";
import type { TopicEvent } from "./topic.ts";

/** Kept events before the live ones. */
const BEFORE = 20;
const MOST_SHOWN = 200;

export interface LiveTailProps {
  readonly topic: string;
  /** Position of the newest event when the page was opened. */
  readonly end: number | undefined;
}

/** The newest events of a topic, and those that are published while somebody looks. Newest first. */
export function LiveTail({ topic, end }: LiveTailProps) {
  const [isLive, setLive] = useState(true);
  const { events, problem } = useTail(
    topic,
    isLive && end !== undefined,
    Math.max(1, (end ?? 0) - BEFORE + 1),
  );
  return (
    <Section
      title="Events"
      actions={
        <>
          {isLive && problem === undefined ? <Badge tone="ok">live</Badge> : null}
          <Button small icon={isLive ? "pause" : "play"} onClick={() => setLive(!isLive)}>
            {isLive ? "Pause" : "Continue"}
          </Button>
        </>
      }
    >
      <ProblemNotice problem={problem} />
      {events.length === 0 ? (
        <p class="muted">No event yet. Publish one above: it appears here at once.</p>
      ) : (
        <ol class="events" aria-label="Events, newest first">
          {events.map((each) => (
            <EventRow key={each.position} {...each} />
          ))}
        </ol>
      )}
    </Section>
  );
}

function EventRow({ position, publishedAt, event }: TopicEvent) {
  const { data, data_base64: base64, ...attributes } = event;
  const text = data === undefined ? undefined : typeof data === "string" ? data : JSON.stringify(data);
  return (
    <li>
      <details>
        <summary>
          <span class="number muted">{position}</span>
          <strong>{event.type}</strong>
          <span class="event-data mono muted">{text ?? (base64 === undefined ? "" : "binary data")}</span>
          <When at={publishedAt} />
        </summary>
        <div class="two">
          <BodyText label="Data" text={text ?? String(base64 ?? "")} />
          <dl class="header-fields">
            {Object.entries(attributes).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{String(value)}</dd>
              </div>
            ))}
          </dl>
        </div>
      </details>
    </li>
  );
}

interface Tail {
  readonly events: readonly TopicEvent[];
  readonly problem: ApiProblem | undefined;
}

/** Follows a topic. A broken stream goes on after the last event that came. */
function useTail(topic: string, isOn: boolean, from: number): Tail {
  const [events, setEvents] = useState<readonly TopicEvent[]>([]);
  const [problem, setProblem] = useState<ApiProblem>();
  const last = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (!isOn) return undefined;
    const ending = new AbortController();
    const { signal } = ending;
    const onOpen = () => setProblem(undefined);
    follow<TopicEvent>({
      signal,
      open: (after = last.current) => openEvents(topic, { from, after, signal, onOpen }),
      onItem: (event) => {
        last.current = String(event.position);
        setEvents((before) => [event, ...before].slice(0, MOST_SHOWN));
      },
      onLost: (error) => setProblem(asProblem(error)),
    }).catch((error: unknown) => setProblem(asProblem(error)));
    return () => ending.abort();
    // The start is that of the first look.
  }, [topic, isOn]);
  return { events, problem };
}

interface Opening {
  readonly from: number;
  readonly after: string | undefined;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
}

async function* openEvents(
  topic: string,
  { from, after, signal, onOpen }: Opening,
): AsyncGenerator<Followed<TopicEvent>> {
  const stream = serverSentEvents(`/topic/${topic}/events`, {
    query: { follow: true, ...(after === undefined ? { from } : {}) },
    headers: after === undefined ? {} : { "last-event-id": after },
    ...{ signal, onOpen },
  });
  for await (const { id, data } of stream)
    yield { item: JSON.parse(data) as TopicEvent, ...(id === undefined ? {} : { id }) };
}
