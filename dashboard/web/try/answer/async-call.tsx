import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter";
import { api } from "../../api/client.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { useResource } from "../../api/resource.ts";
import { Attempts } from "../../calls/attempts.tsx";
import { type CallRecord, hasEnded } from "../../calls/call.ts";
import { CallBadge } from "../../calls/call-badge.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { When } from "../../ui/values.tsx";
import { BodyView } from "./body-view.tsx";
import { ReceivedBody, readInto } from "./read-body.ts";

/** Follows the record of an asynchronous call to its end, and shows the answer. */
export function AsyncCall({ id }: { readonly id: string }) {
  const [isEnded, setEnded] = useState(false);
  const { data, problem, reload } = useResource<CallRecord>(`/call/${id}`, isEnded ? {} : { everyMs: 700 });
  useEffect(() => setEnded(data !== undefined && hasEnded(data)), [data?.state]);
  return (
    <section class="stack async-call" aria-label="Asynchronous call">
      <ProblemNotice problem={problem} retry={reload} />
      <div class="answer-head">
        {data === undefined ? (
          <span class="muted">Accepted</span>
        ) : (
          <CallBadge call={data} />
        )}
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
      {data?.answer === undefined || !isEnded ? null : <Result id={id} />}
    </section>
  );
}

interface Read {
  readonly body: ReceivedBody;
  readonly type: string | undefined;
}

function Result({ id }: { readonly id: string }) {
  const [read, setRead] = useState<Read>();
  const [problem, setProblem] = useState<ApiProblem>();
  useEffect(() => {
    const ending = new AbortController();
    const open = async () => {
      const accept = { accept: "*/*" };
      const response = await api.raw("GET", `/call/${id}/result`, { headers: accept, signal: ending.signal });
      const body = new ReceivedBody();
      await readInto(body, response.body!, () => undefined);
      setRead({ body, type: response.headers.get("content-type") ?? undefined });
    };
    open().catch((error: unknown) => void (ending.signal.aborted || setProblem(asProblem(error))));
    return () => ending.abort();
  }, [id]);
  if (read === undefined) return <ProblemNotice problem={problem} />;
  const { body, type } = read;
  return (
    <BodyView
      {...{ body: body.soFar, type, isComplete: true, whole: () => body.blob(), fileName: `call-${id}` }}
    />
  );
}
