import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import type { FlowEdit } from "../document/flow-edit.ts";
import type { FlowSession } from "../editor/session.ts";
import type { ActionKey, OutlineStep } from "../language/outline.ts";
import { ActionFields } from "./action-fields.tsx";
import { CatchFields } from "./catch-fields.tsx";
import { CommitField } from "./commit-field.tsx";
import { SchemaField } from "./schema-fields.tsx";
import { propertiesOf, type Schema } from "./schema-shape.ts";

interface StepFormProps {
  readonly session: FlowSession;
  readonly step: OutlineStep;
  readonly steps: readonly OutlineStep[];
  readonly schema: Schema;
  readonly names: {
    readonly functions: readonly string[];
    readonly flows: readonly string[];
    readonly topics: readonly string[];
  };
  readonly apply: (edit: FlowEdit) => Promise<void>;
  /** The form takes the focus once when this is true. */
  readonly takesFocus: { current: boolean };
  /** Leads back to the list. */
  readonly onLeave: () => void;
}

/** What each action is at first. */
const BEGINNINGS: Readonly<Record<ActionKey, unknown>> = {
  fn: "hello",
  http: "https://example.com/",
  publish: "events",
  exec: { cmd: ["date"] },
  flow: "other",
  wait: "10s",
  approve: "Go on?",
};
const ACTION_TEXTS: Readonly<Record<ActionKey, string>> = {
  fn: "Call a function",
  http: "Send an HTTP request",
  publish: "Publish an event",
  exec: "Run a command",
  flow: "Run another flow",
  wait: "Wait",
  approve: "Ask a person",
};

/** Everything about one step, from the schema of its text. */
export function StepForm({ session, step, steps, schema, names, apply, takesFocus, onLeave }: StepFormProps) {
  const { name, members, action, isFinally, faults } = step;
  const path = [isFinally ? "finally" : "steps", name];
  const set = (key: string) => (value: unknown) => apply({ kind: "set", path: [...path, key], value });
  const properties = propertiesOf(schema, (schema.$defs as Readonly<Record<string, Schema>>).step);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus.current) heading.current?.focus();
    takesFocus.current = false;
  }, [name]);
  const field = (key: string, label: string) => (
    <SchemaField
      {...{ root: schema, schema: properties[key]!, language: session.language, label, value: members[key] }}
      onSet={set(key)}
    />
  );
  const change = async (next: ActionKey) => {
    const clear =
      action === undefined ? [] : [{ kind: "set" as const, path: [...path, action], value: undefined }];
    const begin = next === "fn" ? (names.functions[0] ?? "hello") : BEGINNINGS[next];
    await apply({ kind: "all", edits: [{ kind: "set", path: [...path, next], value: begin }, ...clear] });
  };
  return (
    <section class="step-form" aria-label={`Step ${name}`}>
      <h2 ref={heading} tabIndex={-1}>
        {name}
      </h2>
      {faults.map((fault) => (
        <Notice key={fault} kind="bad">
          {fault}
        </Notice>
      ))}
      <CommitField label="Name" value={name} onCommit={(to) => apply({ kind: "rename", step: name, to })} />
      <Select
        label="Action"
        value={action ?? ""}
        options={[
          ...(action === undefined ? [{ value: "" as const, text: "Choose one" }] : []),
          ...(Object.keys(ACTION_TEXTS) as ActionKey[]).map((key) => ({
            value: key,
            text: ACTION_TEXTS[key],
          })),
        ]}
        onChange={(next) => void (next === "" || change(next))}
      />
      {action === undefined ? null : (
        <ActionFields
          key={`${name} ${action}`}
          {...{ schema, properties, session, action, names }}
          value={members[action]}
          onSet={set(action)}
        />
      )}
      {action === "wait" || action === "approve" ? null : field("with", "Input")}
      {isFinally ? null : <NeedsFields {...{ step, steps, apply }} />}
      {field("if", "Condition")}
      <Part title="Repeat" open={members.each !== undefined || members.while !== undefined}>
        {field("each", "For each item of")}
        {members.each === undefined ? null : field("concurrency", "At a time")}
        {field("while", "While")}
        {field("max", "At most")}
      </Part>
      <Part title="Retry and time" open={members.retry !== undefined || members.timeout !== undefined}>
        {field("timeout", "Timeout")}
        {Object.entries(propertiesOf(schema, properties.retry)).map(([key, member]) => (
          <SchemaField
            key={key}
            {...{ root: schema, schema: member, language: session.language, label: `Retry: ${key}` }}
            value={(members.retry as Readonly<Record<string, unknown>> | undefined)?.[key]}
            onSet={(value) => apply({ kind: "set", path: [...path, "retry", key], value })}
          />
        ))}
      </Part>
      <Part title="Errors" open={members.catch !== undefined}>
        <CatchFields {...{ session, steps, name }} rules={members.catch} onSet={set("catch")} />
      </Part>
      <Part title="Output" open={members.output !== undefined}>
        {field("output", "Output")}
      </Part>
      <footer>
        <Button
          kind="danger"
          icon="trash"
          onClick={() => apply({ kind: "remove", step: name }).then(onLeave)}
        >
          Delete step
        </Button>
      </footer>
    </section>
  );
}

function NeedsFields({ step, steps, apply }: Pick<StepFormProps, "step" | "steps" | "apply">) {
  const { name, before, members } = step;
  const needs = before.filter(({ kind }) => kind === "needs").map(({ from }) => from);
  const others = steps.filter((each) => each.name !== name && !each.isFinally).map((each) => each.name);
  const link = (kind: "connect" | "disconnect", from: string, as: "needs" | "else") =>
    apply({ kind, from, to: name, link: as });
  const otherwise = typeof members.else === "string" ? members.else : "";
  return (
    <>
      <Select
        label="After (needs)"
        hint={needs.length === 0 ? "The step starts with the run, unless it follows others." : undefined}
        value=""
        options={[
          { value: "", text: "Add a step that ends first" },
          ...others.filter((each) => !needs.includes(each)),
        ]}
        onChange={(from) => void (from !== "" && link("connect", from, "needs"))}
      />
      {needs.length === 0 ? null : (
        <ul class="chips" aria-label="Needs">
          {needs.map((from) => (
            <li key={from}>
              {from}
              <Button
                kind="quiet"
                small
                icon="close"
                label={`Do not wait for ${from}`}
                onClick={() => link("disconnect", from, "needs")}
              />
            </li>
          ))}
        </ul>
      )}
      <Select
        label="Instead of (else)"
        value={otherwise}
        options={[{ value: "", text: "none" }, ...others]}
        onChange={(from) =>
          void (from === "" ? link("disconnect", otherwise, "else") : link("connect", from, "else"))
        }
      />
    </>
  );
}

function Part({
  title,
  open,
  children,
}: {
  readonly title: string;
  readonly open: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <details open={open}>
      <summary>{title}</summary>
      <div class="fields">{children}</div>
    </details>
  );
}
