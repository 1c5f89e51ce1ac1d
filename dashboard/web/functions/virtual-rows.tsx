import { WindowVirtualizer } from "virtua";
import { FunctionRow } from "./function-row.tsx";
import type { RowsProps } from "./function-table.tsx";

/** The rows of a long list that are in sight; it scrolls with the page. */
export function VirtualRows({ rows }: RowsProps) {
  return (
    <WindowVirtualizer itemSize={57}>
      {rows.map((row) => (
        <FunctionRow key={row.name} row={row} />
      ))}
    </WindowVirtualizer>
  );
}
