import { ENDED_STATES, LIVE_STATES } from "../../../platform/flows/run/error.ts";
import type { Limits } from "../../../platform/limits.ts";
import { array, COUNT, FLAG, INSTANT, object, ref, type Schema, TEXT } from "../schema.ts";

const VERSION: Schema = { type: "integer", minimum: 1 };
export const RUN_STATES = [...LIVE_STATES, ...ENDED_STATES];
const NEXT = { type: ["string", "null"], description: "Cursor of the next page; null on the last one" };
const WARNINGS = array(TEXT, {
  description: "Functions, flows and topics that the flow names and that are not there",
});

/** Schemas of flows. */
export function flowSchemas({ pageSize }: Limits): Record<string, Schema> {
  return {
    Flow: flow(),
    FlowPage: object({ flows: array(ref("Flow"), { maxItems: pageSize }), next: NEXT }),
    PutFlow: object(
      { name: ref("EventName"), created: FLAG, unchanged: FLAG, warnings: WARNINGS },
      { version: VERSION, createdAt: INSTANT, updatedAt: INSTANT, dryRun: { const: true } },
    ),
    RemovedFlow: object(
      { success: { const: true }, live: { ...COUNT, description: "Runs that go on" } },
      { cancelled: { ...COUNT, description: "Runs that are being cancelled" } },
    ),
    RolledBackFlow: object({
      ...{ name: ref("EventName"), version: { ...VERSION, description: "The new version" }, from: VERSION },
      to: { ...VERSION, description: "The version that has the same text" },
      warnings: WARNINGS,
    }),
    FlowVersion: object(
      {
        ...{ version: VERSION, flow: ref("EventName"), createdAt: INSTANT, by: TEXT },
        hash: { type: "string", pattern: "^[0-9a-f]{64}$", description: "SHA-256 of the definition" },
        current: { ...FLAG, description: "New runs have this version" },
      },
      { message: TEXT, source: { ...TEXT, description: "Of one version: the text as it was posted" } },
    ),
    FlowGraph: object({
      nodes: array(object({ name: TEXT, text: TEXT, isFinally: FLAG }, { state: TEXT })),
      edges: array(object({ from: TEXT, to: TEXT, kind: { enum: ["needs", "else", "catch"] }, text: TEXT })),
    }),
    FlowVersionList: object({ versions: array(ref("FlowVersion"), { maxItems: 50 }) }),
    StepError: object(
      {
        type: {
          ...TEXT,
          description: "Such as `timeout`, `connection`, `client_error`, or a code of a problem",
        },
        message: TEXT,
      },
      { status: { type: "integer" }, item: { ...COUNT, description: "Item or iteration that failed" } },
    ),
  };
}

function flow(): Schema {
  const counts = Object.fromEntries(RUN_STATES.map((state) => [state, COUNT]));
  return object(
    { name: ref("EventName"), createdAt: INSTANT, updatedAt: INSTANT },
    {
      version: { ...VERSION, description: "The present version. Absent without a store" },
      description: TEXT,
      on: { type: "object", description: "What begins runs: http, topics, crons" },
      triggers: triggers(),
      definition: { type: "object", description: "Of one flow: what the text means, in its long form" },
      faults: array(ref("SourceError"), { description: "Why the flow is not valid: it has no runs" }),
      runs: {
        ...object(counts),
        description: "Runs by state: live ones now, and all that ever ended",
      },
      noState: { ...TEXT, description: "Why there are no runs here" },
      warnings: WARNINGS,
    },
  );
}

function triggers(): Schema {
  const topic = object(
    { name: TEXT, topic: ref("EventName") },
    {
      lag: { type: ["integer", "null"], description: "Events that are not handed on; null before the first" },
      ...{ waiting: COUNT, running: COUNT, done: COUNT },
      dead: { ...COUNT, description: "Events that began no run" },
    },
  );
  const cron = object(
    { name: TEXT, cron: TEXT, next: array(INSTANT, { maxItems: 10 }) },
    { lastAt: INSTANT, lastOutcome: { enum: ["fired", "skipped", "missed"] } },
  );
  return {
    ...object({ topics: array(topic), crons: array(cron) }),
    description: "Of one flow with such triggers: their state, in the order of the text",
  };
}
