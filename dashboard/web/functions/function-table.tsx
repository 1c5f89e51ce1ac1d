import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ActiveFunction } from "./activity.ts";
import { COLUMNS, FunctionRow } from "./function-row.tsx";

export interface RowsProps {
  readonly rows: readonly ActiveFunction[];
}

/** From this many rows on only those in sight are in the page. */
const VIRTUAL_FROM = 80;

/** The list of functions: a table for screen readers, a grid for the eye. */
export function FunctionTable({ rows }: RowsProps) {
  const [Virtual, setVirtual] = useState<ComponentType<RowsProps>>();
  const isLong = rows.length >= VIRTUAL_FROM;
  useEffect(() => {
    if (isLong) void import("./virtual-rows.tsx").then((module) => setVirtual(() => module.VirtualRows));
  }, [isLong]);
  return (
    <div class="function-table" role="table" aria-label="Functions" aria-rowcount={rows.length + 1}>
      <div role="rowgroup">
        <div role="row" class="function-row head">
          {COLUMNS.map((title) => (
            <div role="columnheader" key={title}>
              {title}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup">
        {isLong && Virtual !== undefined ? (
          <Virtual rows={rows} />
        ) : (
          rows.slice(0, VIRTUAL_FROM).map((row) => <FunctionRow key={row.name} row={row} />)
        )}
      </div>
    </div>
  );
}
