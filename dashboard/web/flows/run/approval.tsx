import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { allowed } from "../../blocks/allowed.ts";
import { AskedButton } from "../../blocks/asked-button.tsx";
import { jsonFault } from "../../blocks/json-fault.ts";
import { TextField } from "../../ui/field.tsx";
import { When } from "../../ui/values.tsx";
import type { AttemptDocument, RunPartProps } from "./run.ts";

/** The steps that wait for a person, each with its question. */
export function Approval({ run, ...props }: RunPartProps) {
  const waiting = Object.entries(run.steps).flatMap(([step, { action, attempts }]) =>
    action !== "approve"
      ? []
      : attempts.filter(({ state }) => state === "waiting").map((attempt) => ({ step, attempt })),
  );
  return (
    <>
      {waiting.map(({ step, attempt }) => (
        <Question key={`${step} ${attempt.item}`} {...{ run, step, attempt }} {...props} />
      ))}
    </>
  );
}

interface QuestionProps extends RunPartProps {
  readonly step: string;
  readonly attempt: AttemptDocument;
}

function Question({ path, reload, step, attempt }: QuestionProps) {
  const [comment, setComment] = useState("");
  const [data, setData] = useState("");
  const { message, until } = attempt.waitsFor ?? {};
  const fault = data === "" || jsonFault(data) === undefined ? undefined : "This is not JSON.";
  const decide = async (approved: boolean) => {
    const json = {
      approved,
      ...(comment === "" ? {} : { comment }),
      ...(data === "" ? {} : { data: JSON.parse(data) as unknown }),
    };
    await api.send("POST", `${path}/approve`, { query: { step, item: attempt.item }, json });
    await reload();
  };
  return (
    <section class="card question stack" aria-label={`Question of ${step}`}>
      <h2>{message ?? `The step ${step} waits for a decision`}</h2>
      <p class="muted">
        {step} waits
        {until === undefined ? (
          ""
        ) : (
          <>
            ; it ends <When at={until} />
          </>
        )}
      </p>
      <div class="row">
        <TextField label="Comment" value={comment} onChange={setComment} />
        <TextField
          label="Data for the next steps (JSON)"
          value={data}
          onChange={setData}
          fault={fault}
          mono
        />
        <AskedButton
          kind="primary"
          icon="check"
          disabled={fault !== undefined}
          question="Approve this step?"
          action="Approve"
          outcome="The run goes on at once with the steps after it, and a decision cannot be changed."
          onSubmit={() => decide(true)}
          {...allowed("call")}
        >
          Approve
        </AskedButton>
        <AskedButton
          kind="danger"
          icon="close"
          disabled={fault !== undefined}
          question="Decline this step?"
          action="Decline"
          outcome="The step fails with “rejected” at once, and a decision cannot be changed."
          onSubmit={() => decide(false)}
          {...allowed("call")}
        >
          Decline
        </AskedButton>
      </div>
    </section>
  );
}
