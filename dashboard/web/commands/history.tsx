import { Button } from "../ui/button.tsx";
import { Table } from "../ui/table.tsx";
import { When } from "../ui/values.tsx";
import { RunBadges } from "./output.tsx";
import type { Order, Run } from "./run.ts";

export interface HistoryProps {
  readonly runs: readonly Run[];
  readonly shownId: number | undefined;
  readonly onShow: (id: number) => void;
  /** Puts a command into the form again. */
  readonly onUse: (order: Order) => void;
}

export function History({ runs, shownId, onShow, onUse }: HistoryProps) {
  return (
    <Table
      label="Commands of this tab"
      rows={runs}
      keyOf={({ id }) => String(id)}
      columns={[
        {
          title: "Command",
          cell: ({ id, order }) => (
            <button
              type="button"
              class="link-button mono"
              aria-current={id === shownId ? "true" : undefined}
              onClick={() => onShow(id)}
            >
              {order.command === "" ? "command of the image" : order.command}
            </button>
          ),
        },
        { title: "Image", cell: ({ order }) => <span class="mono">{order.image}</span>, isExtra: true },
        { title: "Result", cell: (run) => <RunBadges run={run} /> },
        { title: "Started", cell: ({ startedAt }) => <When at={startedAt} />, isExtra: true },
        {
          title: "Action",
          cell: ({ order }) => (
            <Button small kind="quiet" icon="edit" onClick={() => onUse(order)}>
              Use again
            </Button>
          ),
        },
      ]}
    />
  );
}
