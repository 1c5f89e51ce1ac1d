import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { bytesText } from "../ui/values.tsx";
import { prettyJson } from "./answer/body-kind.ts";
import { type BodyKind, type Draft, jsonFault } from "./draft.ts";
import { RowsField } from "./rows-field.tsx";

export interface BodyFieldProps {
  readonly draft: Draft;
  readonly onChange: (changed: Partial<Draft>) => void;
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
}

const KINDS: readonly [BodyKind, string][] = [
  ["json", "JSON"],
  ["text", "Text"],
  ["form", "Form"],
  ["file", "File"],
];

export function BodyField({ draft, onChange, file, onFile }: BodyFieldProps) {
  const { bodyKind, text, form } = draft;
  return (
    <fieldset class="body-field">
      <legend>Body</legend>
      <div class="kinds">
        {KINDS.map(([kind, name]) => (
          <Button key={kind} small pressed={kind === bodyKind} onClick={() => onChange({ bodyKind: kind })}>
            {name}
          </Button>
        ))}
        {bodyKind === "json" && text.trim() !== "" && jsonFault(draft) === undefined ? (
          <Button kind="quiet" small onClick={() => onChange({ text: prettyJson(text) })}>
            Indent
          </Button>
        ) : null}
      </div>
      {bodyKind === "json" || bodyKind === "text" ? (
        <TextField
          label="Text of the body"
          bare
          rows={7}
          mono
          placeholder={bodyKind === "json" ? '{"name": "value"}' : ""}
          value={text}
          onChange={(changed) => onChange({ text: changed })}
          fault={jsonFault(draft)}
        />
      ) : null}
      {bodyKind === "form" ? (
        <RowsField
          label="Fields of the form"
          entry="field"
          rows={form}
          onChange={(changed) => onChange({ form: changed })}
        />
      ) : null}
      {bodyKind === "file" ? (
        <label class="file">
          <input type="file" aria-label="File" onChange={(event) => onFile(event.currentTarget.files?.[0])} />
          <span class="muted">
            {file === undefined ? "It is sent as it is." : `${file.name}, ${bytesText(file.size)}`}
          </span>
        </label>
      ) : null}
    </fieldset>
  );
}
