import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { TextField } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Badge } from "../../ui/values.tsx";

/** New values by name; null removes a variable. */
export type EnvDraft = Readonly<Record<string, string | null>>;

export interface EnvFieldsProps {
  /** Of the variables that the function has; their values are hidden. */
  readonly names: readonly string[];
  readonly draft: EnvDraft;
  readonly fault: string | undefined;
  readonly onChange: (draft: EnvDraft) => void;
}

/** Variables of the environment: the API never returns their values, so a value can only be replaced. */
export function EnvFields({ names, draft, fault, onChange }: EnvFieldsProps) {
  const all = [...names, ...Object.keys(draft).filter((name) => !names.includes(name))];
  const keep = (name: string) => {
    const { [name]: _, ...others } = draft;
    onChange(others);
  };
  return (
    <div class="card stack">
      {fault === undefined ? null : <Notice kind="bad">{fault}</Notice>}
      {all.length === 0 ? <p class="muted">No variable yet. Store passwords as secrets.</p> : null}
      {all.map((name) => (
        <div class="env-row" key={name}>
          <code>{name}</code>
          {typeof draft[name] === "string" ? (
            <TextField
              label={`Value of ${name}`}
              bare
              mono
              value={draft[name]}
              onChange={(value) => onChange({ ...draft, [name]: value })}
            />
          ) : (
            <span class="muted">{draft[name] === null ? "will be removed" : "value hidden"}</span>
          )}
          {draft[name] === undefined ? (
            <>
              <Button small onClick={() => onChange({ ...draft, [name]: "" })}>
                New value
              </Button>
              <Button
                small
                kind="quiet"
                icon="trash"
                label={`Remove ${name}`}
                onClick={() => onChange({ ...draft, [name]: null })}
              />
            </>
          ) : (
            <>
              <Badge tone="info">changed</Badge>
              <Button
                small
                kind="quiet"
                icon="undo"
                label={`Undo the change of ${name}`}
                onClick={() => keep(name)}
              />
            </>
          )}
        </div>
      ))}
      <NewVariable taken={all} onAdd={(name, value) => onChange({ ...draft, [name]: value })} />
    </div>
  );
}

/** The rule of the API. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

interface NewVariableProps {
  readonly taken: readonly string[];
  readonly onAdd: (name: string, value: string) => void;
}

function NewVariable({ taken, onAdd }: NewVariableProps) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const given = name.trim();
  const fault = taken.includes(given)
    ? "There is such a variable: give it a new value above."
    : given === "" || NAME.test(given)
      ? undefined
      : "A name has letters of A-Z and a-z, digits and _, and begins with no digit.";
  const add = () => {
    onAdd(given, value);
    setName("");
    setValue("");
  };
  return (
    <div class="row">
      <TextField label="New variable" mono placeholder="NAME" value={name} onChange={setName} fault={fault} />
      <TextField label="Value" mono value={value} onChange={setValue} />
      <Button icon="plus" disabled={given === "" || fault !== undefined} onClick={add}>
        Add
      </Button>
    </div>
  );
}
