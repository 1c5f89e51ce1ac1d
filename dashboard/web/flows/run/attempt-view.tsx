import { Link } from "wouter";
import { KeptLines } from "../../blocks/kept-lines.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Duration, When } from "../../ui/values.tsx";
import { type AttemptDocument, type Shown, tookMs } from "./run.ts";
import { StepOutput } from "./step-output.tsx";
import { KeptValue } from "./value-view.tsx";
import { Waits } from "./waits.tsx";

/** One attempt as `GET /flow/NAME/run/ID/step/STEP` has it. */
export interface StepValues extends Shown, AttemptDocument {
  readonly inputFault?: string;
  /** All of the step, or of the item. */
  readonly attempts: readonly AttemptDocument[];
}

export interface AttemptViewProps {
  /** Of the API: the run. */
  readonly path: string;
  readonly step: string;
  readonly values: StepValues;
  /** Not of an item: the panel shows that one above. */
  readonly hasError: boolean;
}

/** When an attempt was, what it got and gave, and what it printed. */
export function AttemptView({ path, step, values, hasError }: AttemptViewProps) {
  const { item, attempt, startedAt, endedAt, callId, retryAt, error, inputFault } = values;
  return (
    <>
      <p class="muted">
        <When at={startedAt} />, <Duration ms={tookMs(startedAt, endedAt)} />
        {callId === undefined ? null : (
          <>
            {" · "}
            <Link href={`/trace/${callId}`}>trace of the call</Link>
          </>
        )}
        {retryAt === undefined || endedAt === undefined ? null : (
          <>
            {" · again "}
            <When at={retryAt} />
          </>
        )}
      </p>
      {error === undefined || hasError ? null : (
        <Notice kind="bad" title={error.type}>
          {error.message}
        </Notice>
      )}
      <Waits attempt={values} />
      {inputFault === undefined ? (
        <KeptValue label="Input" value={values.input} body={values.inputBody} />
      ) : (
        <Notice kind="warn">{inputFault}</Notice>
      )}
      {endedAt === undefined ? null : (
        <StepOutput path={`${path}/step/${step}/output`} query={{ item, attempt }} values={values} />
      )}
      <h3>Log</h3>
      <KeptLines
        path={`${path}/logs?step=${step}${item === undefined ? "" : `&item=${item}`}`}
        version={`${values.attempts.length} ${values.state}`}
        none={endedAt === undefined ? "Lines come when the attempt has ended." : "Nothing was printed."}
      />
    </>
  );
}
