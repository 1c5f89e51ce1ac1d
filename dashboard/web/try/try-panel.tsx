import { useState } from "preact/hooks";
import { useResource } from "../api/resource.ts";
import { can } from "../session/session.ts";
import { ProblemNotice } from "../ui/notice.tsx";
import { AnswerView } from "./answer/answer-view.tsx";
import { useCall } from "./answer/use-call.ts";
import { type CalledFunction, calledFunction, type FunctionAnswer } from "./called-function.ts";
import { bodyText, callHeaders, callPath, type Draft, hasBody, NEW_DRAFT } from "./draft.ts";
import { addToHistory, clearHistory, readHistory, type Sent } from "./history.ts";
import { HistoryList } from "./history-list.tsx";
import { RequestForm } from "./request-form.tsx";

/** A request to one function, its answer, and the requests before. */
export function TryPanel({ name }: { readonly name: string }) {
  const { data, problem, isLoading, reload } = useResource<FunctionAnswer>(`/func/${name}`, {
    everyMs: 15_000,
  });
  return (
    <div class="try">
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {data === undefined ? null : <Trial key={name} called={calledFunction(data)} />}
    </div>
  );
}

/** A request to a function, its answer, and the requests before. */
export function Trial({ called }: { readonly called: CalledFunction }) {
  const { name, access } = called;
  const [history, setHistory] = useState(() => readHistory(localStorage, name));
  const [draft, setDraft] = useState<Draft>(() => ({
    ...(history[0]?.draft ?? NEW_DRAFT),
    withKey: access !== "public" && can("call"),
  }));
  const [file, setFile] = useState<File>();
  const [wasAsync, setWasAsync] = useState(false);
  const { call, send, cancel } = useCall();
  const sendDraft = async (sent: Draft) => {
    setWasAsync(sent.isAsync);
    const body = !hasBody(sent) ? undefined : sent.bodyKind === "file" ? file : bodyText(sent) || undefined;
    const { answer } = await send({
      ...{ method: sent.method, path: callPath(name, sent), withKey: sent.withKey },
      headers: callHeaders(sent, file?.type),
      ...(body === undefined ? {} : { body }),
    });
    const outcome = answer === undefined ? {} : { status: answer.status, ms: answer.totalMs };
    setHistory(addToHistory(localStorage, name, { at: new Date().toISOString(), draft: sent, ...outcome }));
  };
  const open = (sent: Sent) => {
    const { versions } = called;
    // The version may be gone.
    const isKept = versions.some(({ version }) => String(version) === sent.draft.version);
    const next = { ...sent.draft, version: isKept ? sent.draft.version : "" };
    setDraft(next);
    return next;
  };
  return (
    <div class="try-columns">
      <RequestForm
        {...{ called, draft, file }}
        onChange={(changed) => setDraft((before) => ({ ...before, ...changed }))}
        onFile={setFile}
        isUnderWay={call?.isUnderWay ?? false}
        onSend={() => void sendDraft(draft)}
        onCancel={cancel}
      />
      <section class="try-answer" aria-label="Answer">
        <AnswerView {...{ name, call, wasAsync }} />
      </section>
      <HistoryList
        history={history}
        onEdit={open}
        onRepeat={(sent) => void sendDraft(open(sent))}
        onClear={() => {
          clearHistory(localStorage, name);
          setHistory([]);
        }}
      />
    </div>
  );
}
