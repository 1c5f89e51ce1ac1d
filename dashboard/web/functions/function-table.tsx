import type { ActiveFunction } from "./activity.ts";
import { COLUMNS, FunctionRow } from "./function-row.tsx";
import { useInSight } from "./in-sight.ts";

/** The list of functions. Of a long one only the rows in sight are in the page. */
export function FunctionTable({ rows }: { readonly rows: readonly ActiveFunction[] }) {
  const { body, from, to, above, below } = useInSight(rows.length);
  return (
    <table class="function-table" aria-label="Functions" aria-rowcount={rows.length + 1}>
      <thead>
        <tr class="function-row head">
          {COLUMNS.map((title) => (
            <th scope="col" key={title}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body} style={{ paddingTop: above, paddingBottom: below }}>
        {rows.slice(from, to).map((row) => (
          <FunctionRow key={row.name} row={row} />
        ))}
      </tbody>
    </table>
  );
}
