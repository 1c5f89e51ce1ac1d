import { Button } from "../ui/button.tsx";
import type { Row } from "./draft.ts";

export interface RowsFieldProps {
  /** Such as `Query`. */
  readonly label: string;
  /** One of them, such as `parameter`. */
  readonly entry: string;
  readonly rows: readonly Row[];
  readonly onChange: (rows: readonly Row[]) => void;
  readonly suggestions?: readonly string[];
}

/** Names and values. The last row is always empty: who writes into it gets the next one. */
export function RowsField({ label, entry, rows, onChange, suggestions }: RowsFieldProps) {
  const shown = [...rows, { name: "", value: "" }];
  const set = (index: number, row: Row) => {
    onChange(shown.with(index, row).filter(({ name, value }) => name !== "" || value !== ""));
  };
  const list = `names-of-${entry}`;
  return (
    <fieldset class="rows-field">
      <legend>{label}</legend>
      {suggestions === undefined ? null : (
        <datalist id={list}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      {shown.map((row, index) => (
        <div class="pair" key={index}>
          <input
            class="mono"
            aria-label={`Name of ${entry} ${index + 1}`}
            placeholder="name"
            autocomplete="off"
            spellcheck={false}
            list={suggestions === undefined ? undefined : list}
            value={row.name}
            onInput={(event) => set(index, { ...row, name: event.currentTarget.value })}
          />
          <input
            class="mono"
            aria-label={`Value of ${entry} ${index + 1}`}
            placeholder="value"
            autocomplete="off"
            spellcheck={false}
            value={row.value}
            onInput={(event) => set(index, { ...row, value: event.currentTarget.value })}
          />
          {index < rows.length ? (
            <Button
              kind="quiet"
              icon="close"
              label={`Remove ${entry} ${index + 1}`}
              onClick={() => onChange(rows.toSpliced(index, 1))}
            />
          ) : null}
        </div>
      ))}
    </fieldset>
  );
}
