import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import { type Declared, putDeclared } from "../blocks/declared.ts";
import { otherMembers, readObject } from "../blocks/json-object.ts";
import { useNames } from "../blocks/names.ts";
import { withoutEmpty } from "../blocks/without-empty.ts";
import type { SubscriptionSpec } from "../topics/topic.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Select, TextField } from "../ui/field.tsx";

export interface SubscriptionFormProps {
  readonly onClose: () => void;
  readonly onDone: () => unknown;
  /** Of a new one. */
  readonly topic?: string;
  /** The subscription to change; a new one by default. */
  readonly name?: string;
  readonly declared?: Declared<SubscriptionSpec>;
}

type Target = "function" | "url" | "flow";

const KNOWN = ["topic", "function", "url", "flow", "group", "from"];
const EXAMPLE = '{"filter": {"prefix": {"type": "order."}},\n "order": "key", "retry": {"attempts": 3}}';

/** Declares a subscription, or changes one. Members without a field are JSON. */
export function SubscriptionForm({ onClose, onDone, topic: firstTopic, ...old }: SubscriptionFormProps) {
  const [, go] = useLocation();
  const spec = old.declared?.spec;
  const [name, setName] = useState(old.name ?? "");
  const [topic, setTopic] = useState(spec?.topic ?? firstTopic ?? "");
  const [kind, setKind] = useState<Target>(
    spec?.flow !== undefined ? "flow" : spec?.url !== undefined ? "url" : "function",
  );
  const [target, setTarget] = useState(spec?.function ?? spec?.url ?? spec?.flow ?? "");
  const [group, setGroup] = useState(spec?.group ?? "");
  const [from, setFrom] = useState(spec?.from ?? "");
  const [others, setOthers] = useState(
    otherMembers((spec ?? {}) as unknown as Readonly<Record<string, unknown>>, KNOWN),
  );
  const read = readObject(others);
  const names = { topics: useNames("topic"), functions: useNames("func"), flows: useNames("flow") };
  const submit = async () => {
    if (read.fault !== undefined) throw new Error(read.fault);
    const members = withoutEmpty({ ...read.value, topic, [kind]: target, group, from });
    const what = `The subscription ${name}`;
    await putDeclared(`/subscription/${name}`, { spec: members, etag: old.declared?.etag, what });
    await onDone();
    if (old.name === undefined) go(`/subscriptions/${name}`);
  };
  const suggestions = { function: names.functions, flow: names.flows, url: [] }[kind];
  return (
    <FormDialog
      title={old.name === undefined ? "New subscription" : `Change ${old.name}`}
      isGuarded
      action={old.name === undefined ? "Subscribe" : "Save"}
      onSubmit={submit}
      onClose={onClose}
    >
      {old.name === undefined ? (
        <TextField label="Name" value={name} onChange={setName} mono required autoFocus placeholder="mail" />
      ) : null}
      <TextField label="Topic" value={topic} onChange={setTopic} suggestions={names.topics} mono required />
      <div class="row">
        <Select
          label="Events go to"
          value={kind}
          onChange={setKind}
          options={[
            { value: "function", text: "A function" },
            { value: "flow", text: "A flow: each begins a run" },
            { value: "url", text: "A URL" },
          ]}
        />
        <TextField
          label={{ function: "Function", flow: "Flow", url: "URL" }[kind]}
          value={target}
          onChange={setTarget}
          suggestions={suggestions}
          mono
          required
        />
      </div>
      <div class="row">
        <TextField
          label="Group"
          hint="Members of a group share the events."
          value={group}
          onChange={setGroup}
          placeholder="its own name"
          mono
        />
        <TextField
          label="A new group begins at"
          hint="latest, earliest or a time"
          value={from}
          onChange={setFrom}
          placeholder="latest"
          suggestions={["latest", "earliest"]}
          mono
        />
      </div>
      <TextField
        label="Filter, order, retry and others"
        hint="Members of the spec as JSON: filter, order, orderBy, retry, concurrency, replies, replyTo, path, paused."
        fault={read.fault}
        value={others}
        onChange={setOthers}
        rows={4}
        placeholder={EXAMPLE}
        mono
      />
    </FormDialog>
  );
}
