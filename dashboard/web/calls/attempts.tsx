import { Link } from "wouter";
import { Table } from "../ui/table.tsx";
import { Badge, Duration, toneOfStatus, When } from "../ui/values.tsx";
import type { CallAttempt, CallRecord } from "./call.ts";

/** The attempts that have ended, with their times and errors. */
export function Attempts({ call: { attempts, state, dueAt } }: { readonly call: CallRecord }) {
  if (attempts.length === 0) {
    const text = {
      running: "The first attempt is under way.",
      cancelled: "It was cancelled before its first attempt.",
    };
    return (
      <p class="muted">
        {text[state as keyof typeof text] ?? (
          <>
            The first attempt is due <When at={dueAt} />.
          </>
        )}
      </p>
    );
  }
  return (
    <Table
      label="Attempts"
      rows={attempts}
      keyOf={({ number }) => String(number)}
      columns={[
        { title: "No.", cell: ({ number }) => number },
        { title: "Result", cell: (attempt) => <Result attempt={attempt} /> },
        { title: "Started", cell: ({ startedAt }) => <When at={startedAt} />, isExtra: true },
        { title: "Took", cell: (attempt) => <Duration ms={lastedMs(attempt)} />, isNumber: true },
        { title: "Error", cell: ({ error }) => <span class="error-text">{error ?? "–"}</span> },
        {
          title: "Trace",
          cell: ({ callId }) =>
            callId === undefined ? "–" : <Link href={`/trace/${callId}`}>Open the trace</Link>,
        },
      ]}
    />
  );
}

function Result({ attempt: { status } }: { readonly attempt: CallAttempt }) {
  if (status === undefined) return <Badge tone="bad">no answer</Badge>;
  return <Badge tone={toneOfStatus(status)}>{status}</Badge>;
}

function lastedMs({ startedAt, endedAt }: CallAttempt): number {
  return Date.parse(endedAt) - Date.parse(startedAt);
}
