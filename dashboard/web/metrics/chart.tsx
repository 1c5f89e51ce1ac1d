import "./language.ts";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { isDark } from "../app/theme.ts";
import { durationText } from "../ui/values.tsx";
import { type ChartSpec, chartSummary, drawnValues, lonely } from "./metrics.ts";

export interface ChartProps {
  readonly spec: ChartSpec;
  /** Times of the values, in seconds. */
  readonly times: readonly number[];
}

const HEIGHT = 180;
/** The charts of the page share their cursor. */
const SYNC = "metrics";
/** Steps of an axis of counts: there is no half call. */
const WHOLE_STEPS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap((each) => [each, 2 * each, 5 * each]);

export function Chart({ spec, times }: ChartProps) {
  if (spec.series.length > 0) return <Plot spec={spec} times={times} />;
  return (
    <figure class="chart">
      <figcaption>{spec.title}</figcaption>
      <p class="muted">None in this time.</p>
    </figure>
  );
}

function Plot({ spec, times }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const dark = isDark();
  const labels = spec.series.map(({ label }) => label).join();
  const data: uPlot.AlignedData = [[...times], ...drawnValues(spec)];
  // Values in the legend are those of the last answer.
  const latest = useRef(spec);
  latest.current = spec;
  useEffect(() => {
    const made = new uPlot(optionsOf(latest, box.current!), data, box.current!);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: box.current!.clientWidth, height: HEIGHT }));
    watch.observe(box.current!);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [dark, labels]);
  useEffect(() => plot.current?.setData(data), [spec]);
  return (
    <figure class="chart">
      <figcaption>{spec.title}</figcaption>
      <div ref={box} role="img" aria-label={chartSummary(spec, (value) => formatted(spec, value))} />
    </figure>
  );
}

function optionsOf(latest: { readonly current: ChartSpec }, box: HTMLElement): uPlot.Options {
  const { kind, unit, series } = latest.current;
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const bars = uPlot.paths.bars!({ size: [0.7, 24] });
  const axis = {
    stroke: colour("--muted"),
    font: `11px ${colour("--sans")}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1, size: 4 },
  };
  return {
    width: box.clientWidth || 400,
    height: HEIGHT,
    cursor: { sync: { key: SYNC }, points: { size: 7 }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: {
      x: { time: true },
      y: { range: (_, __, most) => [0, Math.max(most * 1.1, unit === "count" ? 4 : 1e-3)] },
    },
    axes: [
      { ...axis, size: 28, values: (_, splits) => splits.map(clock) },
      {
        ...axis,
        size: 58,
        ...(unit === "count" ? { incrs: WHOLE_STEPS } : {}),
        values: (_, splits) => splits.map((value) => formatted(latest.current, value)),
      },
    ],
    series: [
      { value: (_, at) => (at == null ? "–" : clock(at)) },
      ...series.map(({ label, colour: number }, index): uPlot.Series => {
        const stroke = colour(`--series-${number}`);
        return {
          ...{ label, stroke, width: 1.75 },
          ...(kind === "line"
            ? { fill: series.length === 1 ? `${stroke}22` : "transparent" }
            : { paths: bars, fill: stroke }),
          points:
            kind === "line"
              ? { show: true, size: 4, fill: stroke, filter: (plot, at) => lonely(plot.data[at]!) }
              : { show: false },
          value: (_, __, ___, at) => {
            const value = at == null ? null : latest.current.series[index]?.values[at];
            return value == null ? "–" : formatted(latest.current, value);
          },
        };
      }),
    ],
  };
}

/** Hours and minutes here. */
function clock(atS: number): string {
  return TIME.format(atS * 1_000);
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 2, notation: "compact" });

function formatted({ unit }: ChartSpec, value: number): string {
  if (unit === "ms") return value === 0 ? "0" : durationText(value);
  return unit === "MiB"
    ? `${NUMBER.format(value)} MiB`
    : unit === "perSecond"
      ? `${NUMBER.format(value)}/s`
      : NUMBER.format(value);
}
