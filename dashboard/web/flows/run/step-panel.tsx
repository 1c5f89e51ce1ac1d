import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { useResource } from "../../api/resource.ts";
import { allowedToMaker } from "../../blocks/allowed.ts";
import { AskedButton } from "../../blocks/asked-button.tsx";
import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Badge } from "../../ui/values.tsx";
import { AttemptView, type StepValues } from "./attempt-view.tsx";
import { ItemChoice, itemsText } from "./item-choice.tsx";
import { isLive, type RunPartProps, SKIPPED_WHY, type StepDocument, toneOf } from "./run.ts";

interface StepPanelProps extends RunPartProps {
  readonly step: string;
}

/** One step of a run: its items, its attempts, and what the chosen one got, gave and printed. */
export function StepPanel({ run, path, step, reload, begun }: StepPanelProps) {
  const shown = run.steps[step]!;
  const { state, error, attempts, items, action } = shown;
  const [chosenItem, setItem] = useState<number>();
  const [attempt, setAttempt] = useState<string>();
  const item = items === undefined ? undefined : (chosenItem ?? attempts[0]?.item ?? 0);
  const values = useResource<StepValues>(hasBegun(shown) ? `${path}/step/${step}` : undefined, {
    query: { item, attempt },
  });
  // A new attempt, or the end of one.
  const version = JSON.stringify([state, items, attempts.at(-1)?.attempt, attempts.at(-1)?.state]);
  useEffect(() => void values.reload(), [version]);
  const retry = async () => {
    await api.send("POST", `${path}/retry`, { query: { from: step, item } });
    setAttempt(undefined);
    begun();
    await reload();
  };
  const choose = (wanted: number) => {
    setItem(wanted);
    setAttempt(undefined);
  };
  return (
    <div class="stack">
      <div class="title-row">
        <h2>{step}</h2>
        <Badge tone={toneOf(state)}>{state}</Badge>
        <span class="muted">{action}</span>
        {isLive(run) ? null : (
          <span class="actions">
            <RetryButton
              name={item === undefined ? "Retry from here" : `Retry item ${item}`}
              isDone={state === "done"}
              hasBegun={hasBegun(shown)}
              by={run.by}
              onRetry={retry}
            />
          </span>
        )}
      </div>
      {error === undefined || (items !== undefined && error.item === item) ? null : (
        <Notice kind={state === "caught" ? "warn" : "bad"} title={error.type}>
          {error.message}
        </Notice>
      )}
      {items === undefined ? null : (
        <>
          <p>{itemsText(items)}</p>
          {items.total! > 0 ? (
            <ItemChoice total={items.total!} attempts={attempts} value={item!} onChange={choose} />
          ) : null}
        </>
      )}
      {hasBegun(shown) ? null : <p class="muted">{notBegunText(shown)}</p>}
      <ProblemNotice problem={values.problem} retry={values.reload} />
      {values.data === undefined ? null : (
        <>
          {values.data.attempts.length > 1 ? (
            <Select
              label="Attempt"
              value={String(values.data.attempt)}
              onChange={setAttempt}
              options={values.data.attempts.map((each) => ({
                value: String(each.attempt),
                text: `${each.attempt}: ${each.state}${each.error === undefined ? "" : ` (${each.error.type})`}`,
              }))}
            />
          ) : null}
          <AttemptView
            path={path}
            step={step}
            values={values.data}
            hasError={
              error !== undefined && items === undefined && values.data.error?.message === error.message
            }
          />
        </>
      )}
    </div>
  );
}

interface RetryButtonProps {
  readonly name: string;
  readonly isDone: boolean;
  readonly hasBegun: boolean;
  /** Who began the run. */
  readonly by: string | undefined;
  readonly onRetry: () => Promise<void>;
}

/** Asks before what was done is done once more. */
function RetryButton({ name, isDone, hasBegun, by, onRetry }: RetryButtonProps) {
  const title = "Runs this step again, and what follows it. Steps before it keep their outputs.";
  const rest = hasBegun ? allowedToMaker(by, title) : { disabled: true, title: "It has not begun." };
  if (!isDone) {
    return (
      <Button small icon="retry" onClick={onRetry} {...rest}>
        {name}
      </Button>
    );
  }
  return (
    <AskedButton
      small
      icon="retry"
      question="Do it once more?"
      action={name}
      outcome="The step is done already. It runs again, and so does what follows it: what they did is not undone."
      onSubmit={onRetry}
      {...rest}
    >
      {name}
    </AskedButton>
  );
}

function hasBegun({ attempts, items }: StepDocument): boolean {
  return items === undefined ? attempts.length > 0 : (items.total ?? 0) > (items.pending ?? 0);
}

function notBegunText({ state, why }: StepDocument): string {
  if (why !== undefined) return `It was skipped: ${SKIPPED_WHY[why]}.`;
  return state === "cancelled" ? "The run was cancelled before it began." : "It has not begun.";
}
