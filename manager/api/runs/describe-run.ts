import type {
  AttemptDescription,
  HistoryEntry,
  RunDescription,
  StepDescription,
} from "../../../platform/flows/description/description.ts";
import { flowGraph } from "../../../platform/flows/graph/flow-graph.ts";
import { answerJson } from "../answer.ts";
import { awaitEnd, readWait } from "../calls/await-end.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { runDocument } from "./run-document.ts";
import { readRun, shownValue } from "./run-reading.ts";
import { hasEnded, requireRun } from "./visible-runs.ts";

/** `GET /flow/NAME/run/ID?wait=30s`: one run with its graph and attempts; with `wait` when it has ended, or after that time. */
export function describeRun(services: Services): Handler {
  return async (ctx) => {
    const { wait: waitMs } = readParameters(ctx, { wait: readWait });
    const read = () => requireRun(services, ctx, "read");
    const run = await awaitEnd(services, ctx, { waitMs, read, hasEnded });
    const describer = await readRun(requirePart(services, "runs"), run);
    answerJson(ctx, { ...runDocument(run), ...descriptionDocument(describer.describe()) });
  };
}

function descriptionDocument(description: RunDescription): Record<string, unknown> {
  const { definition, functions, trigger, traceparent, input, output, steps, history } = description;
  return {
    ...{ trigger, traceparent, functions },
    ...shownValue("input", input),
    ...shownValue("output", output),
    steps: Object.fromEntries(steps.map((step) => [step.name, stepDocument(step)])),
    edges: flowGraph(definition).edges,
    history: history.map(({ at, ...rest }: HistoryEntry) => ({ at: new Date(at), ...rest })),
  };
}

function stepDocument({
  name: _,
  startedAt,
  endedAt,
  attempts,
  ...rest
}: StepDescription): Record<string, unknown> {
  return { ...rest, ...timesOf({ startedAt, endedAt }), attempts: attempts.map(attemptDocument) };
}

export function attemptDocument(attempt: AttemptDescription): Record<string, unknown> {
  const { startedAt, endedAt, retryAt, until, waitsFor, ...rest } = attempt;
  return {
    ...rest,
    ...timesOf({ startedAt, endedAt, retryAt }),
    ...(waitsFor === undefined ? {} : { waitsFor: { ...waitsFor, until: new Date(until!) } }),
  };
}

function timesOf(times: Readonly<Record<string, number | undefined>>): Record<string, Date> {
  const present = Object.entries(times).flatMap(([name, at]) =>
    at === undefined ? [] : [[name, new Date(at)]],
  );
  return Object.fromEntries(present);
}
