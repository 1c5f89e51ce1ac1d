import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter";
import { api } from "../../api/client.ts";
import { useResource } from "../../api/resource.ts";
import { KeptLines } from "../../blocks/kept-lines.tsx";
import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Badge, Duration, When } from "../../ui/values.tsx";
import { type AttemptDocument, isLive, type RunPartProps, type Shown, toneOf, tookMs } from "./run.ts";
import { StepOutput } from "./step-output.tsx";
import { ValueView } from "./value-view.tsx";

interface StepPanelProps extends RunPartProps {
  readonly step: string;
}

interface StepValues extends Shown {
  readonly inputFault?: string;
  readonly outputBody?: { readonly bytes: number; readonly type: string };
}

/** One step of a run: its attempts, and what the chosen one got, gave and printed. */
export function StepPanel({ run, path, step, reload, begun }: StepPanelProps) {
  const { state, error, attempts, items, action } = run.steps[step]!;
  const [chosen, setChosen] = useState<string>();
  const attempt = attempts.find((each) => keyOf(each) === chosen) ?? attempts.at(-1);
  const of = attempt && { item: attempt.item, attempt: attempt.attempt };
  const version = `${attempt?.state} ${attempt?.endedAt}`;
  const values = useResource<StepValues>(attempt === undefined ? undefined : `${path}/step/${step}`, {
    query: { ...of },
  });
  useEffect(() => void values.reload(), [version]);
  const retry = async (item?: number) => {
    await api.send("POST", `${path}/retry`, { query: { from: step, item } });
    begun();
    await reload();
  };
  return (
    <div class="stack">
      <div class="title-row">
        <h2>{step}</h2>
        <Badge tone={toneOf(state)}>{state}</Badge>
        <span class="muted">{action}</span>
        <span class="actions">
          <Button
            small
            icon="retry"
            disabled={isLive(run) || attempts.length === 0}
            title="Runs this step again, and what follows it. Steps before it keep their outputs."
            onClick={() => retry(items === undefined ? undefined : attempt?.item)}
          >
            {items === undefined || attempt?.item === undefined
              ? "Retry from here"
              : `Retry item ${attempt.item}`}
          </Button>
        </span>
      </div>
      {error === undefined ? null : (
        <Notice kind={state === "caught" ? "warn" : "bad"} title={error.type}>
          {error.message}
        </Notice>
      )}
      {attempts.length === 0 ? <p class="muted">It has not begun.</p> : null}
      {attempts.length > 1 ? (
        <Select
          label={items === undefined ? "Attempt" : "Attempt of an item"}
          value={attempt === undefined ? "" : keyOf(attempt)}
          onChange={setChosen}
          options={attempts.map((each) => ({ value: keyOf(each), text: attemptText(each) }))}
        />
      ) : null}
      {attempt === undefined ? null : (
        <>
          <p class="muted">
            <When at={attempt.startedAt} />, <Duration ms={tookMs(attempt.startedAt, attempt.endedAt)} />
            {attempt.callId === undefined ? null : (
              <>
                {" · "}
                <Link href={`/trace/${attempt.callId}`}>trace of the call</Link>
              </>
            )}
            {attempt.retryAt === undefined ? null : (
              <>
                {" · again "}
                <When at={attempt.retryAt} />
              </>
            )}
          </p>
          <ProblemNotice problem={values.problem} retry={values.reload} />
          {values.data === undefined ? null : (
            <>
              {values.data.inputFault === undefined ? (
                <ValueView label="Input" value={values.data.input} />
              ) : (
                <Notice kind="warn">{values.data.inputFault}</Notice>
              )}
              <StepOutput path={`${path}/step/${step}/output`} query={of ?? {}} values={values.data} />
            </>
          )}
          <h3>Log</h3>
          <KeptLines
            path={`${path}/logs?step=${step}${attempt.item === undefined ? "" : `&item=${attempt.item}`}`}
            version={version}
            none="Nothing was printed. Lines come when the attempt has ended."
          />
        </>
      )}
    </div>
  );
}

function keyOf({ item, attempt }: AttemptDocument): string {
  return `${item ?? ""} ${attempt}`;
}

function attemptText({ item, attempt, state, error }: AttemptDocument): string {
  const of = item === undefined ? "" : `Item ${item}, `;
  return `${of}attempt ${attempt}: ${state}${error === undefined ? "" : ` (${error.type})`}`;
}
