import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { EventMetrics } from "../../events/metrics.ts";
import { FlowMetrics } from "../../flows/metrics.ts";
import { PushCounter } from "../../manager/git/push/push-counter.ts";
import { EVENT_FAMILIES } from "../../metrics/event-families.ts";
import { FLOW_FAMILIES } from "../../metrics/flow-families.ts";
import { PUSH_FAMILIES } from "../../metrics/git-families.ts";
import { group, type MetricFamily, Metrics } from "../../metrics/metrics.ts";
import { addRouterMetrics, FAMILIES as ROUTER_FAMILIES } from "../../router/metrics/metrics.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

const FAMILIES: readonly MetricFamily[] = [
  ...ROUTER_FAMILIES,
  ...EVENT_FAMILIES,
  ...FLOW_FAMILIES,
  ...PUSH_FAMILIES,
];
/** Labels that Prometheus adds. */
const ADDED = ["le", "instance", "job"];

const text = readFileSync(new URL("../../metrics/grafana-dashboard.json", import.meta.url), "utf8");
const { panels } = JSON.parse(text) as { panels: readonly Panel[] };
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The families that an expression names, histograms by their parts. */
function familiesIn(expression: string): MetricFamily[] {
  const names = expression.match(/\b(?:skiff|process|nodejs)_\w+/g) ?? [];
  assert.ok(names.length > 0, expression);
  return names.map((name) => {
    const family = FAMILIES.find((each) => {
      const parts = each.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      return parts.some((part) => `${each.name}${part}` === name);
    });
    assert.ok(family, `there is no metric ${name}`);
    return family;
  });
}

describe("the Grafana dashboard", () => {
  it("shows every family of metrics, and none that there is not", () => {
    const shown = new Set(expressions.flatMap(familiesIn).map(({ name }) => name));
    assert.deepEqual([...shown].sort(), FAMILIES.map(({ name }) => name).sort());
  });

  it("knows the families that a scrape has", async () => {
    const totals = { unrouted: {}, logLinesDropped: 0, spansDropped: 0 };
    const metrics = new Metrics();
    addRouterMetrics(metrics, { stats: () => [], totals: () => totals });
    const store = { calls: { totals: async () => [] }, topics: { stats: async () => [] } } as never;
    const events = new EventMetrics({ store, firings: () => undefined, now: () => 0 });
    metrics.add(() => events.groups());
    const flows = new FlowMetrics({
      runs: { totals: async () => [] },
      counts: () => undefined,
      spansDropped: () => 0,
      now: () => 0,
    });
    metrics.add(() => flows.groups());
    metrics.add(() => [group(PUSH_FAMILIES, [new PushCounter()])]);
    const scraped = await metrics.text();
    const names = [...scraped.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(
      names,
      FAMILIES.map(({ name }) => name),
    );
  });

  it("asks for labels that those have", () => {
    for (const expression of expressions) {
      const known = familiesIn(expression).flatMap(({ labels }) => labels);
      const grouped = [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(
        ([, list]) => list!.match(/\w+/g) ?? [],
      );
      const selected = [...expression.matchAll(/[{,](\w+)=/g)].map(([, label]) => label!);
      for (const label of [...grouped, ...selected]) {
        assert.ok([...known, ...ADDED].includes(label), `${label} in ${expression}`);
      }
    }
  });

  it("takes rates of counters alone, over the interval that Grafana chooses", () => {
    for (const expression of expressions) {
      const rates = expression.match(/\brate\(/g)?.length ?? 0;
      assert.equal(expression.match(/\[\$__rate_interval\]\)/g)?.length ?? 0, rates, expression);
      const gauges = familiesIn(expression).filter(({ type }) => type === "gauge");
      assert.equal(gauges.length > 0 && rates > 0, false, expression);
    }
  });

  it("has panels with ids of their own, of any data source, that do not cover each other", () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos, targets = [] } of panels) {
      for (const { datasource } of targets) assert.match(datasource.uid, /^\$\{datasource\}$/);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x} ${y}`), title);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});
