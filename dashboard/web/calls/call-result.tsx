import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { BodyView } from "../try/answer/body-view.tsx";
import { ReceivedBody, readInto } from "../try/answer/read-body.ts";
import { ProblemNotice } from "../ui/notice.tsx";

interface Read {
  readonly body: ReceivedBody;
  readonly type: string | undefined;
}

/** The body that `GET /call/ID/result` answers. */
export function CallResult({ id }: { readonly id: string }) {
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
