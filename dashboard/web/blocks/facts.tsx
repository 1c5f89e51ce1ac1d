import type { ComponentChildren } from "preact";

/** A name with its value; left out without a value. */
export type Fact = readonly [name: string, value: ComponentChildren];

/** What is known of one thing, as a list of names and values. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts card">
      {facts.map(([name, value]) =>
        value === undefined || value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

export interface FigureProps {
  readonly title: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
}

/** One number with its name; stands in `.cards`. */
export function Figure({ title, value, note }: FigureProps) {
  return (
    <div class="card figure">
      <span class="muted">{title}</span>
      <span class="value">{value}</span>
      {note === undefined ? null : <span class="muted">{note}</span>}
    </div>
  );
}
