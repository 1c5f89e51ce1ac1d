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
  /** Why a row cannot be sent. */
  readonly faultOf?: (row: Row) => string | undefined;
}

/** Names and values. The last row is always empty: who writes into it gets the next one. */
export function RowsField({ label, entry, rows, onChange, suggestions, faultOf }: RowsFieldProps) {
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
      {shown.map((row, index) => {
        const fault = faultOf?.(row);
        const described =
          fault === undefined ? {} : { "aria-invalid": true, "aria-describedby": `${list}-${index}` };
        return (
          <div class={fault === undefined ? "pair" : "pair field faulty"} key={index}>
            <input
              {...described}
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
            {fault === undefined ? null : (
              <div class="note" id={`${list}-${index}`}>
                {fault}
              </div>
            )}
          </div>
        );
      })}
    </fieldset>
  );
}
