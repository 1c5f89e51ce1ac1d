import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import { type Declared, putDeclared } from "../blocks/declared.ts";
import { useNames } from "../blocks/names.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Select, TextField } from "../ui/field.tsx";
import { CronField } from "./cron-field.tsx";
import type { ScheduleSpec } from "./schedule.ts";
import { contentFault, draftOf, type ScheduleDraft, specOf, type Target } from "./schedule-draft.ts";

export interface ScheduleFormProps {
  readonly onClose: () => void;
  readonly onDone: () => unknown;
  /** The schedule to change; a new one by default. */
  readonly name?: string;
  readonly declared?: Declared<ScheduleSpec>;
}

const TARGETS = [
  { value: "call", text: "Call a function" },
  { value: "run", text: "Begin a run of a flow" },
  { value: "event", text: "Publish an event" },
] as const;

const LABELS = { call: "Function", run: "Flow", event: "Topic" };
const CONTENTS = { call: "Body", run: "Input", event: "Data" };

/** Declares a schedule, or changes one. */
export function ScheduleForm({ onClose, onDone, name: oldName, declared }: ScheduleFormProps) {
  const [, go] = useLocation();
  const [name, setName] = useState(oldName ?? "");
  const [draft, setDraft] = useState<ScheduleDraft>(draftOf(declared?.spec ?? {}));
  const change = (changed: Partial<ScheduleDraft>) => setDraft((before) => ({ ...before, ...changed }));
  const names = { call: useNames("func"), run: useNames("flow"), event: useNames("topic") };
  const { target } = draft;
  const fault = contentFault(draft.content);
  const submit = async () => {
    if (fault !== undefined) throw new Error(fault);
    const spec = specOf(draft, declared?.spec ?? {});
    const what = `The schedule ${name}`;
    await putDeclared(`/schedule/${name}`, { spec, etag: declared?.etag, what });
    await onDone();
    if (oldName === undefined) go(`/schedules/${name}`);
  };
  return (
    <FormDialog
      title={oldName === undefined ? "New schedule" : `Change ${oldName}`}
      isGuarded
      action={oldName === undefined ? "Create" : "Save"}
      onSubmit={submit}
      onClose={onClose}
    >
      {oldName === undefined ? (
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          mono
          required
          autoFocus
          placeholder="nightly"
        />
      ) : null}
      <CronField
        cron={draft.cron}
        timeZone={draft.timeZone}
        onCron={(cron) => change({ cron })}
        onTimeZone={(timeZone) => change({ timeZone })}
      />
      <div class="row">
        <Select<Target>
          label="What it does"
          value={target}
          onChange={(value) => change({ target: value })}
          options={TARGETS}
        />
        <TextField
          label={LABELS[target]}
          value={draft.name}
          onChange={(value) => change({ name: value })}
          suggestions={names[target]}
          mono
          required
        />
      </div>
      <details>
        <summary>{target === "call" ? "Request" : CONTENTS[target]}, overlap and missed times</summary>
        <div class="stack">
          <Request draft={draft} change={change} fault={fault} />
          <div class="row">
            <Select
              label="While the one before runs"
              value={draft.overlap}
              onChange={(overlap) => change({ overlap })}
              options={[
                { value: "skip", text: "skip the time" },
                { value: "queue", text: "wait for its end" },
                { value: "allow", text: "fire beside it" },
              ]}
            />
            <Select
              label="Missed times"
              value={draft.missed}
              onChange={(missed) => change({ missed })}
              options={[
                { value: "once", text: "fire the last one" },
                { value: "skip", text: "fire none" },
                { value: "all", text: "fire the last 100" },
              ]}
            />
            <TextField
              label="Late by up to"
              value={draft.jitter}
              onChange={(jitter) => change({ jitter })}
              placeholder="0s"
              mono
            />
          </div>
        </div>
      </details>
    </FormDialog>
  );
}

interface RequestProps {
  readonly draft: ScheduleDraft;
  readonly change: (changed: Partial<ScheduleDraft>) => void;
  readonly fault: string | undefined;
}

/** What the schedule sends. */
function Request({ draft, change, fault }: RequestProps) {
  return (
    <>
      {draft.target === "call" ? (
        <div class="row">
          <TextField
            label="Method"
            value={draft.method}
            onChange={(method) => change({ method })}
            placeholder="POST"
            suggestions={["GET", "POST", "PUT", "PATCH", "DELETE"]}
            mono
          />
          <TextField
            label="Path and query"
            value={draft.path}
            onChange={(path) => change({ path })}
            placeholder="/"
            mono
          />
        </div>
      ) : null}
      {draft.target === "event" ? (
        <TextField
          label="Type"
          value={draft.type}
          onChange={(type) => change({ type })}
          placeholder="dev.skiff.schedule"
          mono
        />
      ) : null}
      <TextField
        label={CONTENTS[draft.target]}
        hint="JSON if it begins with { or [, else text"
        fault={fault}
        value={draft.content}
        onChange={(content) => change({ content })}
        rows={3}
        mono
      />
    </>
  );
}
