import { useSearchParams } from "wouter";
import { useResource } from "../api/resource.ts";
import { Figure } from "../blocks/facts.tsx";
import { pathOf } from "../function/described.ts";
import { FunctionPage } from "../function/function-page.tsx";
import { Button, LinkButton } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { Loaded, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Count, Duration, durationText } from "../ui/values.tsx";
import { Chart } from "./chart.tsx";
import { chartsOf, type Metrics, type Point, RANGES, summaryOf } from "./metrics.ts";

const EVERY_MS = 15_000;

/** How a function does: `/functions/NAME/metrics`. */
export default function MetricsPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const [address, setAddress] = useSearchParams();
  const range = RANGES.find(({ since }) => since === address.get("since")) ?? RANGES[1]!;
  const { since, step, text } = range;
  const found = useResource<Metrics>(`${pathOf(name)}/metrics`, {
    query: { since, step },
    everyMs: EVERY_MS,
  });
  return (
    <FunctionPage name={name} part="Metrics">
      <fieldset class="ranges">
        <legend class="hidden">Time</legend>
        {RANGES.map((each) => (
          <Button
            key={each.since}
            small
            pressed={each === range}
            onClick={() => setAddress({ since: each.since }, { replace: true })}
          >
            {each.text}
          </Button>
        ))}
      </fieldset>
      <Loaded from={found}>{(metrics) => <Shown {...{ name, metrics }} time={text} />}</Loaded>
    </FunctionPage>
  );
}

interface ShownProps {
  readonly name: string;
  readonly metrics: Metrics;
  /** Such as `1 h`. */
  readonly time: string;
}

function Shown({ name, metrics, time }: ShownProps) {
  const { calls, errors, errorShare, p95Ms, coldStarts, instances } = summaryOf(metrics);
  const times = metrics.points.map(({ at }) => Date.parse(at) / 1_000);
  return (
    <>
      {calls > 0 ? null : (
        <Notice title={`No call in the last ${time}`}>
          <LinkButton small icon="play" href={`/functions/${name}/try`}>
            Call the function
          </LinkButton>
        </Notice>
      )}
      <div class="cards metrics-summary">
        <Figure title="Calls" value={<Count value={calls} />} />
        <Figure
          title="Failed"
          value={
            <>
              <Count value={errors} />{" "}
              {errorShare === undefined ? null : (
                <small class="muted">{(errorShare * 100).toFixed(1)} %</small>
              )}
            </>
          }
        />
        <Figure title="Highest p95" value={<Duration ms={p95Ms} />} />
        <Figure title="Cold starts" value={<Count value={coldStarts} />} />
        <Figure title="Instances now" value={<Count value={instances} />} />
      </div>
      <div class="charts">
        {chartsOf(metrics).map((spec) => (
          <Chart key={spec.title} spec={spec} times={times} />
        ))}
      </div>
      <Versions versions={metrics.versions} />
      <details class="as-table">
        <summary>As a table</summary>
        <Points points={metrics.points} />
      </details>
    </>
  );
}

function Versions({ versions }: Pick<Metrics, "versions">) {
  const rows = Object.entries(versions).sort(([a], [b]) => Number(b) - Number(a));
  const total = rows.reduce((sum, [, { calls }]) => sum + calls, 0);
  if (total === 0) return null;
  return (
    <Section title="By version">
      <Table
        label="Calls by version"
        rows={rows}
        keyOf={([version]) => version}
        columns={[
          { title: "Version", cell: ([version]) => `v${version}` },
          { title: "Calls", cell: ([, { calls }]) => <Count value={calls} />, isNumber: true },
          {
            title: "Share",
            cell: ([, { calls }]) => `${((calls / total) * 100).toFixed(1)} %`,
            isNumber: true,
          },
          { title: "Failed", cell: ([, { errors }]) => <Count value={errors} />, isNumber: true },
        ]}
      />
    </Section>
  );
}

function Points({ points }: Pick<Metrics, "points">) {
  const ms = (value: number | undefined) => (value === undefined ? "–" : durationText(value));
  // Newest first, and only those in which something happened.
  const rows = points.filter(({ calls, coldStarts }) => calls > 0 || coldStarts > 0).reverse();
  const column = (title: string, cell: (point: Point) => preact.ComponentChildren, isExtra = false) => {
    return { title, cell, isExtra, isNumber: title !== "Time" };
  };
  return (
    <Table
      label="Metrics by time, newest first"
      rows={rows}
      keyOf={({ at }) => at}
      columns={[
        column("Time", ({ at }) => new Date(at).toLocaleTimeString("en-GB")),
        column("Calls", ({ calls }) => calls),
        column("Failed", ({ errors }) => errors),
        column("p50", ({ p50Ms }) => ms(p50Ms), true),
        column("p95", ({ p95Ms }) => ms(p95Ms)),
        column("p99", ({ p99Ms }) => ms(p99Ms), true),
        column("Instances", ({ instances }) => instances ?? "–", true),
        column("Memory", ({ memoryMiB }) => (memoryMiB === undefined ? "–" : `${memoryMiB} MiB`), true),
        column("Cold starts", ({ coldStarts }) => coldStarts),
      ]}
    />
  );
}
