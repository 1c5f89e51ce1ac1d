import { Link } from "wouter";
import { api, type Query } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { useAddressQuery } from "../blocks/address-query.ts";
import { Choices } from "../blocks/choices.tsx";
import { Figure } from "../blocks/facts.tsx";
import { useNames } from "../blocks/names.ts";
import type { Key } from "../keys/key.ts";
import { can } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { SearchField, TextField } from "../ui/field.tsx";
import { Empty } from "../ui/notice.tsx";
import { Loaded, Page } from "../ui/page.tsx";
import { saveFile } from "../ui/save-file.ts";
import { Table } from "../ui/table.tsx";
import { Bytes, Count } from "../ui/values.tsx";
import { Bars } from "./bars.tsx";
import { type Range, startOf, type Usage, type UsageRow, type UsageSums } from "./usage.ts";

const EVERY_MS = 15_000;

type By = "function" | "key" | "version" | "hour";

const RANGES: readonly { value: Range; text: string }[] = [
  { value: "day", text: "24 hours" },
  { value: "week", text: "7 days" },
  { value: "30d", text: "30 days" },
  { value: "month", text: "This month" },
  { value: "custom", text: "From …" },
];
const BYS: readonly { value: By; text: string }[] = [
  { value: "function", text: "Function" },
  { value: "version", text: "Version" },
  { value: "key", text: "Key" },
  { value: "hour", text: "Hour" },
];

/** What calls used, over time and by what. */
export default function UsagePage() {
  const [get, set] = useAddressQuery();
  const range = (get("range") || "day") as Range;
  const by = (get("by") || "function") as By;
  // Rounded, so that the range does not move with every look.
  const nowMs = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
  const from = startOf(range, get("from"), nowMs);
  const narrowing: Query = {
    from,
    to: range === "custom" ? get("to") || undefined : undefined,
    function: get("function") || undefined,
  };
  const query = { ...narrowing, by: by === "version" ? "function,version" : by };
  const found = useResource<Usage>("/usage", { query, everyMs: EVERY_MS });
  const hours = useResource<Usage>("/usage", { query: { ...narrowing, by: "hour" }, everyMs: EVERY_MS });
  const functions = useNames("func");
  return (
    <Page
      title="Usage"
      actions={
        <Button icon="down" onClick={() => download(query)}>
          CSV
        </Button>
      }
    >
      <div class="filter-row">
        <Choices label="Range" value={range} onChange={(value) => set({ range: value })} options={RANGES} />
        <SearchField
          label="Function"
          placeholder="Function"
          mono
          value={get("function")}
          onChange={(value) => set({ function: value })}
          suggestions={functions}
        />
        {range === "custom" ? (
          <>
            <TextField
              label="From"
              hint="A date, in UTC"
              value={get("from")}
              onChange={(value) => set({ from: value })}
              placeholder="2026-11-01"
              mono
            />
            <TextField
              label="To"
              hint="Excluded"
              value={get("to")}
              onChange={(value) => set({ to: value })}
              placeholder="now"
              mono
            />
          </>
        ) : null}
      </div>
      <Loaded from={found}>
        {({ total }) => (
          <>
            <Totals total={total} />
            {hours.data === undefined || total.calls === 0 ? null : <Bars usage={hours.data} />}
          </>
        )}
      </Loaded>
      <div class="filter-row">
        <Choices label="By" value={by} onChange={(value) => set({ by: value })} options={BYS} />
      </div>
      {found.data === undefined ? null : <Sums rows={found.data.usage} by={by} />}
    </Page>
  );
}

function Totals({ total: { calls, errors, gbSeconds, bytesOut } }: { readonly total: UsageSums }) {
  const share = calls === 0 ? 0 : (errors / calls) * 100;
  return (
    <div class="cards figures">
      <Figure title="Calls" value={<Count value={calls} />} />
      <Figure
        title="Errors"
        value={<Count value={errors} />}
        note={`${share.toFixed(share < 10 ? 1 : 0)} % of the calls`}
      />
      <Figure
        title="GB-seconds"
        value={gbSeconds.toFixed(gbSeconds < 10 ? 3 : 0)}
        note="time × memory of functions"
      />
      <Figure title="Sent" value={<Bytes value={bytesOut} />} />
    </div>
  );
}

function Sums({ rows, by }: { readonly rows: readonly UsageRow[]; readonly by: By }) {
  // Names of keys are for admins alone.
  const keys = useResource<{ readonly keys: readonly Key[] }>(
    by === "key" && can("admin") ? "/key" : undefined,
  );
  const nameOf = (id: string) => keys.data?.keys.find((key) => key.id === id)?.name ?? id;
  const sorted = by === "hour" ? [...rows].reverse() : [...rows].sort((a, b) => b.calls - a.calls);
  const most = Math.max(1, ...rows.map(({ calls }) => calls));
  if (rows.length === 0)
    return (
      <Empty title="No call in this range">
        <p>Calls are counted when they end, and are here one or two seconds later.</p>
      </Empty>
    );
  return (
    <Table
      label="Usage"
      rows={sorted}
      keyOf={(row) => [row.function, row.version, row.key, row.hour].join(" ")}
      columns={[
        {
          title: { function: "Function", version: "Version", key: "Key", hour: "Hour" }[by],
          cell: (row) => <What row={row} nameOf={nameOf} />,
        },
        {
          title: "Share",
          cell: ({ calls, errors }) => (
            <meter
              class={errors > 0 ? "share with-errors" : "share"}
              min={0}
              max={most}
              value={calls}
              aria-label={`${calls} of at most ${most} calls`}
            />
          ),
          isExtra: true,
        },
        { title: "Calls", cell: ({ calls }) => <Count value={calls} />, isNumber: true },
        { title: "Errors", cell: ({ errors }) => <Errors value={errors} />, isNumber: true },
        { title: "GB-seconds", cell: ({ gbSeconds }) => gbSeconds.toFixed(3), isNumber: true, isExtra: true },
        { title: "Sent", cell: ({ bytesOut }) => <Bytes value={bytesOut} />, isNumber: true, isExtra: true },
      ]}
    />
  );
}

function Errors({ value }: { readonly value: number }) {
  return (
    <span class={value > 0 ? "bad-number" : "muted"}>
      <Count value={value} />
    </span>
  );
}

function What({ row, nameOf }: { readonly row: UsageRow; readonly nameOf: (id: string) => string }) {
  const { function: name, version, key, hour } = row;
  if (hour !== undefined) return <time dateTime={hour}>{`${hour.slice(0, 10)} ${hour.slice(11, 16)}`}</time>;
  if (key !== undefined)
    return key === "" ? <span class="muted">without a key</span> : <span title={key}>{nameOf(key)}</span>;
  const text = version === undefined ? name : `${name} · version ${version}`;
  return <Link href={`/functions/${name}`}>{text}</Link>;
}

async function download(query: Query): Promise<void> {
  const csv = await api.text("/usage", { ...query, format: "csv" });
  saveFile(new Blob([csv]), "skiff-usage.csv");
}
