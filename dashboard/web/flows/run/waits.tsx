import { Link } from "wouter";
import { When } from "../../ui/values.tsx";
import type { AttemptDocument } from "./run.ts";

/** What an attempt waits for, or waited for. */
export function Waits({ attempt: { state, waitsFor } }: { readonly attempt: AttemptDocument }) {
  if (waitsFor === undefined) return null;
  const { kind, flow, run, topic, message, until } = waitsFor;
  const verb = state === "waiting" ? "Waits" : "Waited";
  const end = state === "waiting" ? <WaitEnd kind={kind} until={until} /> : null;
  if (kind === "flow")
    return (
      <p>
        {verb} for <Link href={`/flows/${flow}/runs/${run}`}>a run of {flow}</Link>
        {end}
      </p>
    );
  if (kind === "event")
    return (
      <p>
        {verb} for an event of <Link href={`/topics/${topic}`}>{topic}</Link>
        {end}
      </p>
    );
  if (kind === "approval")
    return (
      <p>
        {verb} for a decision: {message}
        {end}
      </p>
    );
  return (
    <p>
      {verb} for a time{end}
    </p>
  );
}

function WaitEnd({ kind, until }: { readonly kind: string; readonly until: string | undefined }) {
  if (until === undefined) return null;
  return (
    <>
      {kind === "time" ? ": " : ", at the latest "}
      <When at={until} />
    </>
  );
}
