import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Labelled {
  readonly label: string;
  /** What to write, or the rule. */
  readonly hint?: ComponentChildren;
  /** What is wrong with the value. */
  readonly fault?: string | undefined;
  /** The label is for screen readers alone. */
  readonly bare?: boolean;
}

interface FieldProps extends Labelled {
  readonly children: (attributes: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
  }) => ComponentChildren;
}

/** A control with its label, hint and fault. */
export function Field({ label, hint, fault, bare = false, children }: FieldProps) {
  const id = useId();
  const note = fault ?? hint;
  return (
    <div class={fault === undefined ? "field" : "field faulty"}>
      <label for={id} class={bare ? "hidden" : undefined}>
        {label}
      </label>
      {children({
        id,
        ...(note === undefined ? {} : { "aria-describedby": `${id}-note` }),
        ...(fault === undefined ? {} : { "aria-invalid": true }),
      })}
      {note === undefined ? null : (
        <div class="note" id={`${id}-note`}>
          {note}
        </div>
      )}
    </div>
  );
}

export interface TextFieldProps extends Labelled {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly type?: "text" | "search" | "password" | "number" | "url" | "datetime-local";
  /** Lines of a text with more than one. */
  readonly rows?: number;
  /** Names and code: a fixed width, no corrections. */
  readonly mono?: boolean;
  readonly required?: boolean;
  readonly disabled?: boolean;
  readonly autoFocus?: boolean;
  readonly suggestions?: readonly string[];
}

export function TextField({ value, onChange, rows, type = "text", mono = false, ...rest }: TextFieldProps) {
  const { label, hint, fault, bare, suggestions, autoFocus, ...others } = rest;
  const list = useId();
  const read = (event: Event) => onChange((event.currentTarget as HTMLInputElement).value);
  // A dialog gives the focus to what has the attribute.
  const shared = {
    ...others,
    ...(autoFocus && { autofocus: true }),
    value,
    onInput: read,
    class: mono ? "mono" : undefined,
    spellcheck: !mono,
  };
  const control = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  useEffect(() => {
    if (autoFocus) control.current?.focus();
  }, []);
  return (
    <Field {...{ label, hint, fault, ...(bare === undefined ? {} : { bare }) }}>
      {(attributes) =>
        rows === undefined ? (
          <>
            <input
              {...attributes}
              {...shared}
              type={type as "text"}
              autocomplete="off"
              ref={control}
              list={suggestions === undefined ? undefined : list}
            />
            {suggestions === undefined ? null : (
              <datalist id={list}>
                {suggestions.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            )}
          </>
        ) : (
          <textarea {...attributes} {...shared} rows={rows} ref={control} />
        )
      }
    </Field>
  );
}

/** A field that narrows a list. Its label is for screen readers alone. */
export function SearchField(props: Omit<TextFieldProps, "type" | "rows" | "bare">) {
  return <TextField placeholder="Search by name" {...props} type="search" bare />;
}

export interface SelectProps<T extends string> extends Labelled {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly (T | { readonly value: T; readonly text: string })[];
  readonly disabled?: boolean;
}

export function Select<T extends string>({
  value,
  onChange,
  options,
  disabled,
  ...labelled
}: SelectProps<T>) {
  return (
    <Field {...labelled}>
      {(attributes) => (
        <select
          {...attributes}
          value={value}
          disabled={disabled}
          onChange={(event) => onChange(event.currentTarget.value as T)}
        >
          {options.map((option) => {
            const { value: each, text } =
              typeof option === "string" ? { value: option, text: option } : option;
            return (
              <option key={each} value={each}>
                {text}
              </option>
            );
          })}
        </select>
      )}
    </Field>
  );
}

export interface CheckboxProps {
  readonly label: ComponentChildren;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}

export function Checkbox({ label, checked, onChange, disabled }: CheckboxProps) {
  return (
    <label class="checkbox">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
