import { Link } from "wouter";
import { Table } from "../../ui/table.tsx";
import { Badge, Duration, When } from "../../ui/values.tsx";
import { type RunSummary, toneOf, tookMs, triggerText } from "../run/run.ts";

export interface RunsTableProps {
  readonly runs: readonly RunSummary[];
  /** Shows which flow each one is of. */
  readonly ofAll?: boolean;
}

export function RunsTable({ runs, ofAll = false }: RunsTableProps) {
  const href = ({ flow, id }: RunSummary) => `/flows/${flow}/runs/${id}`;
  return (
    <Table
      label="Runs"
      rows={runs}
      keyOf={({ id }) => id}
      href={href}
      columns={[
        {
          title: "Started",
          cell: (run) => (
            <Link href={href(run)}>
              <When at={run.acceptedAt} />
            </Link>
          ),
        },
        ...(ofAll ? [{ title: "Flow", cell: ({ flow }: RunSummary) => flow }] : []),
        { title: "State", cell: ({ state }) => <Badge tone={toneOf(state)}>{state}</Badge> },
        { title: "At", cell: (run) => whereText(run), isExtra: true },
        {
          title: "Took",
          cell: (run) => <Duration ms={tookMs(run.acceptedAt, run.endedAt)} />,
          isNumber: true,
        },
        { title: "Trigger", cell: triggerText, isExtra: true },
        { title: "Version", cell: ({ version }) => version, isNumber: true, isExtra: true },
      ]}
    />
  );
}

function whereText({ step, error, state }: RunSummary): string {
  if (error !== undefined && state === "failed") return `${step ?? ""}: ${error.type}`;
  return step ?? "";
}
