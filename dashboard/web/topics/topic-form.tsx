import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import { type Declared, putDeclared } from "../blocks/declared.ts";
import { withoutEmpty } from "../blocks/without-empty.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Select, TextField } from "../ui/field.tsx";
import type { TopicSpec } from "./topic.ts";

export interface TopicFormProps {
  readonly onClose: () => void;
  readonly onDone: () => unknown;
  /** The topic to change; a new one by default. */
  readonly name?: string;
  readonly declared?: Declared<TopicSpec>;
}

/** Declares a topic, or changes one. */
export function TopicForm({ onClose, onDone, name: oldName, declared }: TopicFormProps) {
  const [, go] = useLocation();
  const [name, setName] = useState(oldName ?? "");
  const [spec, setSpec] = useState<TopicSpec>(declared?.spec ?? {});
  const [paths, setPaths] = useState((spec.paths ?? []).join("\n"));
  const change = (changed: TopicSpec) => setSpec((before) => ({ ...before, ...changed }));
  const submit = async () => {
    const lines = paths.split("\n").map((line) => line.trim());
    const all = lines.filter((line) => line !== "");
    const members = withoutEmpty({ ...spec, paths: all.length === 0 ? undefined : all });
    const what = `The topic ${name}`;
    await putDeclared(`/topic/${name}`, { spec: members, etag: declared?.etag, what });
    await onDone();
    if (oldName === undefined) go(`/topics/${name}`);
  };
  return (
    <FormDialog
      title={oldName === undefined ? "New topic" : `Change ${oldName}`}
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
          placeholder="orders"
        />
      ) : null}
      <Select
        label="Who may publish"
        value={spec.access ?? "key"}
        onChange={(access) => change({ access })}
        options={[
          { value: "key", text: "Holders of a key with the scope call" },
          { value: "public", text: "Everybody" },
        ]}
      />
      <div class="row">
        <TextField
          label="Keep events for"
          value={spec.keepFor ?? ""}
          onChange={(keepFor) => change({ keepFor })}
          placeholder="168h"
          mono
        />
        <TextField
          label="Keep at most"
          value={spec.keepBytes ?? ""}
          onChange={(keepBytes) => change({ keepBytes })}
          placeholder="1Gi"
          mono
        />
      </div>
      <div class="row">
        <TextField
          label="Largest event"
          value={spec.maxEvent ?? ""}
          onChange={(maxEvent) => change({ maxEvent })}
          placeholder="1Mi"
          mono
        />
        <TextField
          label="Longest wait for a reply"
          value={spec.replyTimeout ?? ""}
          onChange={(replyTimeout) => change({ replyTimeout })}
          placeholder="30s"
          mono
        />
      </div>
      <TextField
        label="Paths of the gateway"
        hint="One a line. Requests to /gateway and such a path are published here."
        value={paths}
        onChange={setPaths}
        rows={2}
        placeholder="/orders"
        mono
      />
    </FormDialog>
  );
}
