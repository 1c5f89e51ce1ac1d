import { useState } from "preact/hooks";
import type { FlowGraph } from "../../../../platform/flows/graph/flow-graph.ts";
import { useResource } from "../../api/resource.ts";
import { type Fact, Facts } from "../../blocks/facts.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Loaded, Page, Section } from "../../ui/page.tsx";
import { Badge, durationText, When } from "../../ui/values.tsx";
import { PlacedCanvas } from "../canvas/placed-canvas.tsx";
import { Approval } from "./approval.tsx";
import { isLive, type RunDocument, type RunPartProps, toneOf, tookMs, triggerText } from "./run.ts";
import { RunActions } from "./run-actions.tsx";
import { StepPanel } from "./step-panel.tsx";
import { Timeline } from "./timeline.tsx";
import { ValueView } from "./value-view.tsx";

const EVERY_MS = 1_000;

/** One run: its graph as it goes, and what each step got and gave. */
export default function RunPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const { name = "", id = "" } = params;
  const path = `/flow/${name}/run/${id}`;
  const [isOver, setOver] = useState(false);
  const found = useResource<RunDocument>(path, isOver ? {} : { everyMs: EVERY_MS });
  const run = found.data;
  // A run that goes on after a retry is read again.
  if (run !== undefined && isLive(run) === isOver) setOver(!isLive(run));
  return (
    <Page
      title={`Run of ${name}`}
      parent={{ href: `/flows/${name}`, text: name }}
      badges={run === undefined ? undefined : <Badge tone={toneOf(run.state)}>{run.state}</Badge>}
      actions={
        run === undefined ? undefined : (
          <RunActions run={run} path={path} reload={found.reload} begun={() => setOver(false)} />
        )
      }
    >
      <Loaded from={found}>
        {(shown) => <Details run={shown} path={path} reload={found.reload} begun={() => setOver(false)} />}
      </Loaded>
    </Page>
  );
}

function Details(props: RunPartProps) {
  const { run } = props;
  const failed = Object.entries(run.steps).find(([, { state }]) => state === "failed")?.[0];
  const [chosen, setChosen] = useState<string>();
  const selected = chosen ?? failed;
  const graph = useResource<FlowGraph>(`/flow/${run.flow}/graph`, { query: { format: "json", run: run.id } });
  const states = Object.fromEntries(Object.entries(run.steps).map(([step, { state }]) => [step, state]));
  return (
    <>
      {run.error === undefined ? null : (
        <Notice
          kind="bad"
          title={`Failed${run.step === undefined ? "" : ` at ${run.step}`}: ${run.error.type}`}
        >
          {run.error.message}
        </Notice>
      )}
      <Approval {...props} />
      <Facts facts={factsOf(run)} />
      <div class="run-view">
        <section class="canvas-box" aria-label="Graph of the run">
          {graph.data === undefined ? null : (
            <PlacedCanvas
              graph={graph.data}
              label={`Graph of the run of ${run.flow}`}
              states={states}
              selected={selected}
              onSelect={setChosen}
            />
          )}
        </section>
        <section class="step-box" aria-label="Step">
          {selected === undefined || run.steps[selected] === undefined ? (
            <p class="muted">Choose a step in the graph or in the list below to see what it got and gave.</p>
          ) : (
            <StepPanel key={selected} {...props} step={selected} />
          )}
        </section>
      </div>
      <Section title="Steps">
        <Timeline run={run} selected={selected} onSelect={setChosen} />
      </Section>
      <Section title="Values">
        <div class="stack">
          <ValueView label="Input of the run" value={run.input} />
          {run.output === undefined ? null : <ValueView label="Output of the run" value={run.output} />}
        </div>
      </Section>
    </>
  );
}

function factsOf(run: RunDocument): readonly Fact[] {
  const { parent } = run;
  return [
    ["Began", <When key="began" at={run.acceptedAt} />],
    ["Took", durationText(tookMs(run.acceptedAt, run.endedAt) ?? 0)],
    ["By", run.by],
    ["Trigger", triggerText(run)],
    ["Version", run.version],
    ["Goes on", run.wakeAt === undefined ? undefined : <When key="wake" at={run.wakeAt} />],
    ["Part of", parent === undefined ? undefined : `the step ${parent.step} of the run ${parent.run}`],
    ["Id", <code key="id">{run.id}</code>],
  ];
}
