import { useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { includes } from "../api/read-back.ts";
import { useNames } from "../blocks/names.ts";
import type { Scope } from "../session/session.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Checkbox, Select, TextField } from "../ui/field.tsx";
import { showWritten } from "../ui/toast.tsx";
import { type Key, type NewKey, SCOPES } from "./key.ts";
import { creationOf, draftOf, type KeyDraft, NEW_DRAFT, patchOf } from "./key-draft.ts";

export interface KeyFormProps {
  /** The key to change; a new one by default. */
  readonly old?: Key;
  readonly onClose: () => void;
  readonly onDone: () => unknown;
  /** Gets a created key. */
  readonly onCreated?: (key: NewKey) => void;
}

const EXPIRIES = [
  { value: "1d", text: "in a day" },
  { value: "7d", text: "in 7 days" },
  { value: "30d", text: "in 30 days" },
  { value: "90d", text: "in 90 days" },
  { value: "365d", text: "in a year" },
  { value: "at", text: "at a time" },
  { value: "never", text: "never" },
];

/** Creates a key, or changes one. */
export function KeyForm({ old, onClose, onDone, onCreated }: KeyFormProps) {
  const [draft, setDraft] = useState<KeyDraft>(old === undefined ? NEW_DRAFT : draftOf(old));
  const change = (changed: Partial<KeyDraft>) => setDraft((before) => ({ ...before, ...changed }));
  const functions = useNames("func");
  const submit = async () => {
    if (old === undefined) {
      const created = await api.send<NewKey>("POST", "/key", { json: creationOf(draft) });
      onCreated?.(created);
    } else {
      const path = `/key/${old.id}`;
      const { scopes, functions, quota, expiresAt } = await api.send<Key>("PATCH", path, {
        json: patchOf(draft, old),
      });
      await showWritten(`The key ${draft.name} is changed. Every router knows within a second.`, {
        stored: `The key ${draft.name} is changed.`,
        read: () => api.get<Key>(path),
        differs: (now) =>
          includes(now, { scopes, functions, quota, expiresAt }) ? undefined : "it has other rights",
      });
    }
    await onDone();
  };
  const isAdmin = draft.scopes.includes("admin");
  return (
    <FormDialog
      title={old === undefined ? "New key" : `Change ${old.name ?? old.id}`}
      isGuarded
      action={old === undefined ? "Create" : "Save"}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="For people. Several keys may have the same name."
        value={draft.name}
        onChange={(name) => change({ name })}
        placeholder="ci-deploy"
        required
        autoFocus
      />
      <fieldset class="plain-set">
        <legend>Scopes</legend>
        {SCOPES.map(({ scope, text }) => (
          <Checkbox
            key={scope}
            label={
              <>
                <strong>{scope}</strong> <span class="muted">{text}</span>
              </>
            }
            checked={isAdmin || draft.scopes.includes(scope)}
            disabled={isAdmin && scope !== "admin"}
            onChange={(checked) => change({ scopes: toggled(draft.scopes, scope, checked) })}
          />
        ))}
      </fieldset>
      <TextField
        label="Functions"
        hint="Names with commas between. Empty: all functions."
        value={draft.functions}
        onChange={(value) => change({ functions: value })}
        suggestions={functions}
        placeholder="all"
        mono
      />
      <div class="row">
        <Select
          label="Expires"
          value={draft.expiry}
          onChange={(expiry) => change({ expiry })}
          options={old === undefined ? EXPIRIES : [{ value: "keep", text: "as it is" }, ...EXPIRIES]}
        />
        {draft.expiry === "at" ? (
          <TextField
            label="Time"
            type="datetime-local"
            value={draft.expiresAt}
            onChange={(expiresAt) => change({ expiresAt })}
            required
          />
        ) : null}
      </div>
      <details>
        <summary>Quota of its calls</summary>
        <div class="row">
          <TextField
            label="Rate"
            value={draft.rate}
            onChange={(rate) => change({ rate })}
            placeholder="100/s"
            mono
          />
          <TextField
            label="In flight"
            type="number"
            value={draft.inFlight}
            onChange={(inFlight) => change({ inFlight })}
            placeholder="50"
          />
          <TextField
            label="A month"
            type="number"
            value={draft.perMonth}
            onChange={(perMonth) => change({ perMonth })}
            placeholder="1000000"
          />
        </div>
      </details>
    </FormDialog>
  );
}

function toggled(scopes: readonly Scope[], scope: Scope, isOn: boolean): readonly Scope[] {
  const others = scopes.filter((each) => each !== scope);
  return isOn ? [...others, scope] : others;
}
