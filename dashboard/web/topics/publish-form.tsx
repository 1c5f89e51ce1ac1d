import { useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { type ApiProblem, asProblem, problemFrom } from "../api/problem.ts";
import { tryCall } from "../api/try-call.ts";
import { allowed } from "../blocks/allowed.ts";
import { BodyText } from "../blocks/body-text.tsx";
import { Choices } from "../blocks/choices.tsx";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Badge } from "../ui/values.tsx";
import { type Draft, EMPTY_DRAFT, fieldsOf } from "./event-draft.ts";

export interface PublishFormProps {
  readonly topic: string;
  readonly onDone: () => unknown;
}

type Outcome =
  | { readonly kind: "published"; readonly position: number; readonly isDuplicate: boolean }
  | { readonly kind: "reply"; readonly type: string; readonly text: string };

interface Published {
  readonly events: readonly { readonly position: number; readonly duplicate?: boolean }[];
}

/** Publishes an event, or publishes it and waits for the reply of a subscriber. */
export function PublishForm({ topic, onDone }: PublishFormProps) {
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [outcome, setOutcome] = useState<Outcome>();
  const [problem, setProblem] = useState<ApiProblem>();
  const change = (changed: Partial<Draft>) => setDraft((before) => ({ ...before, ...changed }));
  const read = fieldsOf(draft);
  const run = async (action: (headers: Readonly<Record<string, string>>) => Promise<Outcome>) => {
    setProblem(undefined);
    setOutcome(undefined);
    try {
      setOutcome(await action(read.headers));
    } catch (error) {
      setProblem(asProblem(error));
    }
    await onDone();
  };
  const publish = () =>
    run(async (headers) => {
      const { events } = await api.send<Published>("POST", `/topic/${topic}`, { headers, body: draft.data });
      const { position, duplicate = false } = events[0]!;
      return { kind: "published", position, isDuplicate: duplicate };
    });
  const ask = () => run((headers) => publishAndWait(topic, headers, draft.data));
  const block = read.dataFault !== undefined || read.extensionFault !== undefined;
  return (
    <form class="card stack" onSubmit={(event) => event.preventDefault()}>
      <div class="row">
        <TextField
          label="Type"
          value={draft.type}
          onChange={(type) => change({ type })}
          placeholder="order.created"
          mono
        />
        <TextField
          label="Source"
          value={draft.source}
          onChange={(source) => change({ source })}
          placeholder={`/topic/${topic}`}
          mono
        />
      </div>
      <div class="spread">
        <Choices
          label="Form of the data"
          value={draft.form}
          onChange={(form) => change({ form })}
          options={[
            { value: "json", text: "JSON" },
            { value: "text", text: "Text" },
          ]}
        />
      </div>
      <TextField
        label="Data"
        value={draft.data}
        onChange={(data) => change({ data })}
        rows={5}
        mono
        fault={read.dataFault}
        placeholder={draft.form === "json" ? '{"order": 17}' : "Some text"}
      />
      <details>
        <summary>Other attributes</summary>
        <div class="stack">
          <div class="row">
            <TextField
              label="Id"
              value={draft.id}
              onChange={(id) => change({ id })}
              placeholder="a new one"
              mono
            />
            <TextField
              label="Subject"
              value={draft.subject}
              onChange={(subject) => change({ subject })}
              mono
            />
          </div>
          <TextField
            label="Extensions"
            hint="One a line, such as partitionkey: ann"
            value={draft.extensions}
            onChange={(extensions) => change({ extensions })}
            fault={read.extensionFault}
            rows={2}
            mono
          />
        </div>
      </details>
      <div class="row buttons">
        <Button kind="primary" icon="upload" onClick={publish} {...merged(allowed("call"), block)}>
          Publish
        </Button>
        <Button
          icon="retry"
          onClick={ask}
          {...merged(allowed("call", "The first answer of a subscriber is the reply"), block)}
        >
          Publish and wait
        </Button>
      </div>
      <ProblemNotice problem={problem} />
      {outcome === undefined ? null : <OutcomeView outcome={outcome} />}
    </form>
  );
}

function merged(
  rights: { readonly disabled?: boolean; readonly title?: string },
  isBlocked: boolean,
): { readonly disabled?: boolean; readonly title?: string } {
  return isBlocked ? { ...rights, disabled: true } : rights;
}

function OutcomeView({ outcome }: { readonly outcome: Outcome }) {
  if (outcome.kind === "published")
    return (
      <p role="status">
        <Badge tone={outcome.isDuplicate ? "warn" : "ok"}>
          {outcome.isDuplicate ? "duplicate" : "published"}
        </Badge>{" "}
        at position {outcome.position}
        {outcome.isDuplicate ? ": the topic had this source and id within a day, and stored nothing" : ""}
      </p>
    );
  return (
    <div role="status" class="stack">
      <p>
        <Badge tone="ok">reply</Badge>
      </p>
      <BodyText label="Reply" text={outcome.text} type={outcome.type} />
    </div>
  );
}

/** What a function answers comes as data, as that of a call does. */
async function publishAndWait(
  topic: string,
  headers: Readonly<Record<string, string>>,
  data: string,
): Promise<Outcome> {
  const answer = await tryCall({
    method: "POST",
    path: `/topic/${topic}/call`,
    headers: Object.entries(headers),
    body: data,
    withKey: true,
  });
  const text = await new Response(answer.body).text();
  // A reply has the status 200. Everything else is what Skiff says.
  if (answer.status !== 200) throw await problemFrom(new Response(text, { status: answer.status }));
  const type = answer.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  return { kind: "reply", type, text };
}
