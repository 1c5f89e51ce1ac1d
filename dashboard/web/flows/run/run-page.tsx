import { useMemo, useRef, useState } from "preact/hooks";
import { Link } from "wouter";
import type { FlowGraph } from "../../../../platform/flows/graph/flow-graph.ts";
import type { StepState } from "../../../../platform/flows/run/error.ts";
import { useResource } from "../../api/resource.ts";
import { type Fact, Facts } from "../../blocks/facts.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Loaded, Page, Section } from "../../ui/page.tsx";
import { Badge, durationText, When } from "../../ui/values.tsx";
import { PlacedCanvas } from "../canvas/placed-canvas.tsx";
import { Approval } from "./approval.tsx";
import { History } from "./history.tsx";
import { isLive, type RunDocument, type RunPartProps, toneOf, tookMs, triggerText } from "./run.ts";
import { RunActions } from "./run-actions.tsx";
import { StepPanel } from "./step-panel.tsx";
import { Timeline } from "./timeline.tsx";
import { KeptValue } from "./value-view.tsx";

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
  const [chosen, setChosen] = useState<string>();
  const stepBox = useRef<HTMLElement>(null);
  const selected = chosen ?? stepToShow(run);
  const graph = useResource<FlowGraph>(`/flow/${run.flow}/graph`, { query: { format: "json", run: run.id } });
  const text = JSON.stringify(Object.entries(run.steps).map(([step, { state }]) => [step, state]));
  const states = useMemo(() => Object.fromEntries(JSON.parse(text) as [string, StepState][]), [text]);
  const choose = (step: string) => {
    setChosen(step);
    stepBox.current?.scrollIntoView({ block: "nearest" });
  };
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
      <div class="run-facts">
        <Facts facts={factsOf(run)} />
      </div>
      <div class="run-view">
        <section class="canvas-box" aria-label="Graph of the run">
          <Loaded from={graph}>
            {(shown) => (
              <PlacedCanvas
                graph={shown}
                flow={run.flow}
                label={`Graph of the run of ${run.flow}`}
                states={states}
                selected={selected}
                onSelect={setChosen}
              />
            )}
          </Loaded>
        </section>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
        <section class="step-box" aria-label="Step" tabIndex={0} ref={stepBox}>
          {selected === undefined || run.steps[selected] === undefined ? (
            <p class="muted">Choose a step in the graph or in the list below to see its input and output.</p>
          ) : (
            <StepPanel key={selected} {...props} step={selected} />
          )}
        </section>
      </div>
      <Section title="Steps">
        <Timeline run={run} selected={selected} onSelect={choose} />
      </Section>
      <Section title="Values">
        <div class="stack">
          <KeptValue label="Input of the run" value={run.input} body={run.inputBody} />
          {run.state === "done" ? (
            <KeptValue label="Output of the run" value={run.output} body={run.outputBody} />
          ) : null}
        </div>
      </Section>
      <History run={run} />
    </>
  );
}

/** The step that people look for first: the failed one, what is under way, the last one that ran. */
function stepToShow({ steps }: RunDocument): string | undefined {
  const all = Object.entries(steps);
  const isIn = (...states: StepState[]) => all.find(([, { state }]) => states.includes(state))?.[0];
  return (
    isIn("failed") ??
    isIn("running", "retrying") ??
    isIn("waiting") ??
    all.findLast(([, { state, isFinally }]) => state === "done" && !isFinally)?.[0]
  );
}

function factsOf(run: RunDocument): readonly Fact[] {
  const { parent } = run;
  return [
    ["Started", <When key="began" at={run.acceptedAt} />],
    ["Took", durationText(tookMs(run.acceptedAt, run.endedAt) ?? 0)],
    ["By", run.by],
    ["Trigger", triggerText(run)],
    ["Version", run.version],
    ["Goes on", run.wakeAt === undefined ? undefined : <When key="wake" at={run.wakeAt} />],
    [
      "Part of",
      parent === undefined ? undefined : (
        <Link key="parent" href={`/flows/${run.trigger.flow}/runs/${parent.run}`}>
          the step {parent.step} of a run of {String(run.trigger.flow)}
        </Link>
      ),
    ],
    ["Id", <code key="id">{run.id}</code>],
  ];
}
