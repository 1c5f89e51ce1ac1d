import { Button } from "../../ui/button.tsx";
import { Checkbox } from "../../ui/field.tsx";
import type { FlowEdit } from "../document/flow-edit.ts";
import type { FlowSession } from "../editor/session.ts";
import type { FlowOutline } from "../language/outline.ts";
import { CommitField } from "./commit-field.tsx";
import { SchemaField, ValueField } from "./schema-fields.tsx";
import { propertiesOf, type Schema } from "./schema-shape.ts";

interface FlowFormProps {
  readonly session: FlowSession;
  readonly outline: FlowOutline;
  readonly schema: Schema;
  readonly topics: readonly string[];
  readonly apply: (edit: FlowEdit) => Promise<void>;
}

type Members = Readonly<Record<string, unknown>>;

/** What begins runs of a flow, and what concerns it as a whole. */
export function FlowForm({ session, outline, schema, topics, apply }: FlowFormProps) {
  const { value, steps } = outline;
  const on = (value.on ?? {}) as Members;
  const { language } = session;
  const triggers = propertiesOf(schema, propertiesOf(schema, schema).on);
  const set =
    (...path: string[]) =>
    (member: unknown) =>
      apply({ kind: "set", path, value: member });
  const http =
    typeof on.http === "object" && on.http !== null
      ? (on.http as Members)
      : typeof on.http === "string"
        ? { path: on.http }
        : {};
  const setHttp = (key: string, member: unknown) => {
    const next = Object.entries({ ...http, [key]: member }).filter(([, each]) => each !== undefined);
    return set("on", "http")(next.length === 0 ? true : Object.fromEntries(next));
  };
  return (
    <section class="step-form" aria-label="Triggers and settings">
      <h2>Triggers</h2>
      <Checkbox
        label={`Requests to /flow/${session.name.value || "NAME"}/http`}
        checked={on.http !== undefined && on.http !== false}
        onChange={(checked) => void set("on", "http")(checked ? true : undefined)}
      />
      {on.http === undefined ? null : (
        <div class="fields">
          {Object.entries(propertiesOf(schema, triggers.http)).map(([key, member]) => (
            <SchemaField
              key={key}
              {...{ root: schema, schema: member, language, label: `Requests: ${key}`, value: http[key] }}
              onSet={(written) => setHttp(key, written)}
              {...(key === "respond" ? { suggestions: steps.map(({ name }) => name) } : {})}
            />
          ))}
        </div>
      )}
      <TriggerList
        {...{ session, kind: "cron", label: "Times", placeholder: "0 3 * * *", value: on.cron }}
        onSet={set("on", "cron")}
      />
      <TriggerList
        {...{
          session,
          kind: "topic",
          label: "Events of topics",
          placeholder: "orders",
          value: on.topic,
          suggestions: topics,
        }}
        onSet={set("on", "topic")}
      />
      <h2>Flow</h2>
      <CommitField
        label="Description"
        value={typeof value.description === "string" ? value.description : ""}
        onCommit={(text) => set("description")(text || undefined)}
      />
      <CommitField
        label="Timeout"
        hint="Longest time of a run; 30d by default."
        value={typeof value.timeout === "string" ? value.timeout : ""}
        onCommit={(text) => set("timeout")(text || undefined)}
      />
      <ValueField
        label="Output"
        hint="By default the outputs of the last steps."
        language={language}
        value={value.output}
        onSet={set("output")}
      />
      <ValueField
        label="Input schema"
        hint="JSON Schema of the input."
        language={language}
        value={value.input}
        onSet={set("input")}
      />
    </section>
  );
}

interface TriggerListProps {
  readonly session: FlowSession;
  readonly kind: "cron" | "topic";
  readonly label: string;
  readonly placeholder: string;
  readonly value: unknown;
  readonly onSet: (value: unknown) => unknown;
  readonly suggestions?: readonly string[];
}

/** One or several triggers of a kind; each a text, or an object with more members. */
function TriggerList({ session, kind, label, placeholder, value, onSet, suggestions }: TriggerListProps) {
  const all = [value ?? []].flat() as readonly unknown[];
  const put = (next: readonly unknown[]) =>
    onSet(next.length === 0 ? undefined : next.length === 1 ? next[0] : next);
  return (
    <div class="fields">
      {all.map((trigger, index) => (
        <div key={index} class="row">
          {typeof trigger === "string" ? (
            <CommitField
              label={`${label}${all.length > 1 ? ` ${index + 1}` : ""}`}
              value={trigger}
              onCommit={(text) => put(text === "" ? all.toSpliced(index, 1) : all.with(index, text))}
              {...(suggestions === undefined ? {} : { suggestions })}
            />
          ) : (
            <ValueField
              label={label}
              language={session.language}
              value={trigger}
              onSet={(next) => put(next === undefined ? all.toSpliced(index, 1) : all.with(index, next))}
            />
          )}
          <Button
            kind="quiet"
            icon="close"
            label={`Remove ${placeholder}`}
            onClick={() => put(all.toSpliced(index, 1))}
          />
        </div>
      ))}
      <Button
        small
        icon="plus"
        onClick={() => put([...all, kind === "cron" ? "0 3 * * *" : (suggestions?.[0] ?? "events")])}
      >
        {kind === "cron" ? "Run at times" : "Run for events"}
      </Button>
    </div>
  );
}
