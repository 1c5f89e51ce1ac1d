import { Table } from "../ui/table.tsx";
import { Badge, type Tone, When } from "../ui/values.tsx";
import type { Described, Instance } from "./described.ts";

const TONES: Readonly<Record<Instance["state"], Tone>> = {
  ready: "ok",
  starting: "info",
  spent: "quiet",
  draining: "warn",
};

/** The instances that run now. */
export function Instances({ described }: { readonly described: Described }) {
  const { instances, settings } = described;
  if (instances.length === 0) {
    const min = Number(settings.min);
    return (
      <p class="muted">
        No instance runs. The next call starts one{min === 0 ? "; the setting min keeps some ready." : "."}
      </p>
    );
  }
  return (
    <Table
      label="Instances"
      rows={instances}
      keyOf={({ id }) => id}
      columns={[
        { title: "Instance", cell: ({ id }) => <code>{id}</code> },
        { title: "State", cell: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge> },
        { title: "Version", cell: ({ version }) => `v${version}` },
        {
          title: "Memory",
          cell: ({ memoryMiB }) =>
            memoryMiB === undefined ? "–" : `${Math.round(memoryMiB)} / ${String(settings.memoryMiB)} MiB`,
          isNumber: true,
        },
        { title: "Started", cell: ({ startedAt }) => <When at={startedAt} />, isExtra: true },
      ]}
    />
  );
}
