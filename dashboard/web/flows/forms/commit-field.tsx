import { useEffect, useState } from "preact/hooks";
import { Field } from "../../ui/field.tsx";

interface CommitFieldProps {
  readonly label: string;
  readonly value: string;
  /** Called when somebody leaves the field or presses Enter, if the text is another one: one step of undo. */
  readonly onCommit: (text: string) => unknown;
  readonly hint?: string | undefined;
  readonly fault?: string | undefined;
  readonly rows?: number;
  readonly placeholder?: string | undefined;
  readonly suggestions?: readonly string[];
  readonly autoFocus?: boolean;
}

/** A text that becomes a part of the flow when it is complete. */
export function CommitField({
  label,
  value,
  onCommit,
  hint,
  fault,
  rows,
  placeholder,
  ...rest
}: CommitFieldProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const commit = () => void (text !== value && onCommit(text));
  const list = rest.suggestions === undefined ? undefined : `list-${label.replace(/\W+/g, "-")}`;
  const shared = {
    ...{ value: text, placeholder, class: "mono", spellcheck: false, onBlur: commit },
    onInput: (event: Event) => setText((event.currentTarget as HTMLInputElement).value),
  };
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(attributes) =>
        rows === undefined ? (
          <>
            <input
              {...attributes}
              {...shared}
              type="text"
              autocomplete="off"
              list={list}
              onKeyDown={(event) => {
                if (event.key === "Enter") commit();
              }}
            />
            {list === undefined ? null : (
              <datalist id={list}>
                {rest.suggestions!.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            )}
          </>
        ) : (
          <textarea {...attributes} {...shared} rows={rows} />
        )
      }
    </Field>
  );
}
