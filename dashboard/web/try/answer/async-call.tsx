import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter";
import { useResource } from "../../api/resource.ts";
import { Attempts } from "../../calls/attempts.tsx";
import { type CallRecord, hasEnded } from "../../calls/call.ts";
import { CallBadge } from "../../calls/call-badge.tsx";
import { CallResult } from "../../calls/call-result.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { When } from "../../ui/values.tsx";

/** Follows the record of an asynchronous call to its end, and shows the answer. */
export function AsyncCall({ id }: { readonly id: string }) {
  const [isEnded, setEnded] = useState(false);
  const { data, problem, reload } = useResource<CallRecord>(`/call/${id}`, isEnded ? {} : { everyMs: 700 });
  useEffect(() => setEnded(data !== undefined && hasEnded(data)), [data?.state]);
  return (
    <section class="stack async-call" aria-label="Asynchronous call">
      <ProblemNotice problem={problem} retry={reload} />
      <div class="answer-head">
        {data === undefined ? <span class="muted">Accepted</span> : <CallBadge call={data} />}
        <Link href={`/calls/${id}`} class="mono">
          {id}
        </Link>
        {data?.state === "waiting" ? (
          <span class="muted">
            next attempt <When at={data.dueAt} />
          </span>
        ) : null}
      </div>
      {data?.reason === undefined ? null : <p>{data.reason}</p>}
      {data === undefined ? null : <Attempts call={data} />}
      {data?.answer === undefined || !isEnded ? null : <CallResult id={id} />}
    </section>
  );
}
