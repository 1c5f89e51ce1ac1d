import type { ComponentChildren } from "preact";
import { useLocation } from "wouter";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** Left out at the width of a phone. */
  readonly isExtra?: boolean;
}

export interface TableProps<T> {
  /** What its rows are, for screen readers. */
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  /** The page of a row. The first cell should be a link to it, for the keyboard. */
  readonly href?: (row: T) => string;
}

export function Table<T>({ label, rows, columns, keyOf, href }: TableProps<T>) {
  const [, go] = useLocation();
  const open = (event: MouseEvent, row: T) => {
    const isControl = (event.target as Element).closest("a, button, input, label, select") !== null;
    const isSelecting = (getSelection()?.toString() ?? "") !== "";
    if (!isControl && !isSelecting && href !== undefined) go(href(row));
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
    <section class="table-box" tabIndex={0} aria-label={label}>
      <table class={href === undefined ? "table" : "table linked"}>
        <thead>
          <tr>
            {columns.map(({ title, isNumber, isExtra }) => (
              <th key={title} scope="col" class={classOf(isNumber, isExtra)}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} onClick={(event) => open(event, row)}>
              {columns.map(({ title, cell, isNumber, isExtra }) => (
                <td key={title} class={classOf(isNumber, isExtra)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function classOf(isNumber = false, isExtra = false): string | undefined {
  const names = [isNumber ? "right" : "", isExtra ? "extra" : ""].filter((each) => each !== "");
  return names.length === 0 ? undefined : names.join(" ");
}
