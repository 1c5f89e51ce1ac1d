import { Link, useLocation } from "wouter";
import { percentText, type Share, shareOf, trafficText } from "../function/traffic.ts";
import { Sparkline } from "../ui/sparkline.tsx";
import { Badge, Count, Duration, When } from "../ui/values.tsx";
import type { ActiveFunction } from "./activity.ts";
import { conditionOf } from "./condition.ts";

/** Titles of the columns, in the order of the cells of a row. */
export const COLUMNS = [
  "Name",
  "State",
  "Traffic",
  "Calls · 1 h",
  "Errors",
  "p95",
  "Ready",
  "Changed",
] as const;

/** A function in the list. Rows are grids, so that a phone shows them as cards. */
export function FunctionRow({ row }: { readonly row: ActiveFunction }) {
  const [, go] = useLocation();
  const href = `/functions/${encodeURIComponent(row.name)}`;
  const { condition, text, tone, why } = conditionOf(row);
  const open = (event: MouseEvent) => {
    const isSelecting = (getSelection()?.toString() ?? "") !== "";
    if ((event.target as Element).closest("a") === null && !isSelecting) go(href);
  };
  const { lastHour, series, noHistory } = row;
  return (
    <tr class={`function-row ${condition}`} onClick={open}>
      <td class="name">
        <Link href={href}>{row.name}</Link>
        <span class="muted">
          {row.runtime === undefined ? "" : `${row.runtime} · `}v{row.version}
        </span>
      </td>
      <td class="state">
        <Badge tone={tone} title={why}>
          {text}
          <span class="hidden">: {why}</span>
        </Badge>
      </td>
      <td class="split">{row.traffic === undefined ? null : <TrafficBar traffic={row.traffic} />}</td>
      <td class="calls">
        {series === undefined ? (
          <span class="muted" title={noHistory}>
            –
          </span>
        ) : (
          <>
            <Count value={lastHour?.calls} />
            <Sparkline values={series.calls} label="Calls in the last hour" />
          </>
        )}
      </td>
      <td class={lastHour?.errors ? "errors some" : "errors"}>
        {series === undefined ? null : (
          <>
            <Count value={lastHour?.errors} />
            <Sparkline values={series.errors} label="Errors in the last hour" tone="bad" />
          </>
        )}
      </td>
      <td class="p95">
        {series === undefined ? null : (
          <>
            <Duration ms={lastHour?.p95Ms} />
            <Sparkline values={series.p95Ms} label="p95 in the last hour, in ms" tone="muted" />
          </>
        )}
      </td>
      <td class="ready">
        <span class="number" title={instancesText(row)}>
          {row.ready}
        </span>
      </td>
      <td class="changed muted">
        <When at={row.updatedAt} />
      </td>
    </tr>
  );
}

/** One version says its number; several are a bar with the parts of the calls. */
function TrafficBar({ traffic }: { readonly traffic: readonly Share[] }) {
  const text = traffic.length === 0 ? "no version takes calls" : trafficText(traffic);
  if (traffic.length < 2) return <span class="muted">{traffic.length === 0 ? "none" : text}</span>;
  const { version } = traffic.toSorted((a, b) => b.weight - a.weight)[0]!;
  const share = shareOf(traffic, version);
  return (
    <span title={text} class="traffic-split">
      <svg width="64" height="6" viewBox="0 0 64 6" aria-hidden="true">
        <rect class="rest" width="64" height="6" rx="3" />
        <rect width={share * 64} height="6" rx="3" />
      </svg>
      <span>
        v{version} {percentText(share)}
        <span class="hidden"> ({text})</span>
      </span>
    </span>
  );
}

function instancesText({ instances = [], ready }: ActiveFunction): string {
  const starting = instances.filter(({ state }) => state === "starting").length;
  return `${ready} ready${starting === 0 ? "" : `, ${starting} starting`}, ${instances.length} in all`;
}
