import { useState } from "preact/hooks";
import { withCode } from "../blocks/with-code.ts";
import { SearchField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { type Limit, limitText } from "./system.ts";

/** All limits in force, by the variable that sets them. */
export function Limits({ limits }: { readonly limits: Readonly<Record<string, Limit>> }) {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const rows = Object.entries(limits).filter(([name, { meaning }]) =>
    `${name} ${meaning}`.toLowerCase().includes(wanted),
  );
  return (
    <Section
      title="Limits"
      actions={<SearchField label="Search limits" placeholder="Search" value={search} onChange={setSearch} />}
    >
      {rows.length === 0 ? <p class="muted">No limit matches.</p> : null}
      {rows.length === 0 ? null : (
        <Table
          label="Limits"
          rows={rows}
          keyOf={([name]) => name}
          columns={[
            { title: "Limit", cell: ([, { meaning }]) => withCode(meaning) },
            {
              title: "Value",
              cell: ([, limit]) => <span title={`${limit.value} ${limit.unit}`}>{limitText(limit)}</span>,
              isNumber: true,
            },
            { title: "Unit", cell: ([, { unit }]) => <span class="muted">{unit}</span>, isExtra: true },
            { title: "Variable", cell: ([name]) => <code>{name}</code>, isExtra: true },
          ]}
        />
      )}
    </Section>
  );
}
