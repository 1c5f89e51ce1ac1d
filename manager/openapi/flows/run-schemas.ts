import { array, COUNT, FLAG, INSTANT, object, ref, type Schema, TEXT } from "../schema.ts";
import { RUN_STATES } from "./schemas.ts";

type Members = Record<string, Schema>;

const STEP_STATES = [
  ...["pending", "running", "waiting", "retrying", "done", "skipped", "caught", "failed", "cancelled"],
];
const ACTIONS = ["fn", "http", "publish", "exec", "flow", "wait", "event", "approve"];
const BODY: Schema = {
  ...object({ bytes: COUNT, type: TEXT }),
  description: "A value that is kept apart: large, or no JSON",
};
const VALUE: Schema = { description: "Any JSON" };
const NUMBER: Schema = { type: "integer", minimum: 1 };

/** Members of a run in lists. */
export function runMembers(): [members: Members, optional: Members] {
  const version = { type: "integer", minimum: 1 };
  const parent = object({ run: ref("RunId"), step: TEXT, attempt: version }, { item: COUNT });
  return [
    {
      ...{ id: ref("RunId"), flow: ref("EventName"), version, state: { enum: RUN_STATES } },
      trigger: {
        ...{ type: "object", required: ["kind"] },
        properties: { kind: { enum: ["api", "http", "topic", "cron", "flow"] } },
        description: "What began the run",
      },
      by: { ...TEXT, description: "Who began it, as in the audit log" },
      acceptedAt: INSTANT,
      changedAt: INSTANT,
    },
    {
      status: {
        ...TEXT,
        description: "What it waits for, which step is retried, or who cancelled it and why",
      },
      step: { ...TEXT, description: "The step under way, or the one that failed" },
      error: ref("StepError"),
      parent: { ...parent, description: "The run that this one is a step of" },
      keyId: TEXT,
      wakeAt: { ...INSTANT, description: "When it goes on by itself" },
      endedAt: INSTANT,
    },
  ];
}

/** Schemas of a run with its steps. */
export function descriptionSchemas(): Record<string, Schema> {
  const [members, optional] = runMembers();
  return {
    RunDescription: object(
      {
        ...members,
        traceparent: TEXT,
        functions: {
          ...{ type: "object", additionalProperties: NUMBER },
          description: "Versions of the functions that steps call without one",
        },
        steps: {
          ...{ type: "object", additionalProperties: ref("RunStep") },
          description: "By name, in the order of the text, those of `finally` last",
        },
        edges: array(
          object({ from: TEXT, to: TEXT, kind: { enum: ["needs", "else", "catch"] }, text: TEXT }),
        ),
        history: array(ref("RunHistoryEntry"), { description: "What people did: the newest 100" }),
      },
      { ...optional, input: VALUE, inputBody: BODY, output: VALUE, outputBody: BODY },
    ),
    RunStep: runStep(),
    RunAttempt: object(...attemptMembers()),
    RunAttemptDescription: attemptDescription(),
    RunHistoryEntry: object(
      { kind: { enum: ["paused", "resumed", "cancelled", "retried"] }, at: INSTANT, by: TEXT },
      { reason: TEXT, from: TEXT, item: COUNT },
    ),
  };
}

function runStep(): Schema {
  const counts = ["total", "pending", "running", "waiting", "retrying", "done", "failed", "cancelled"];
  return object(
    {
      ...{ action: { enum: ACTIONS }, isFinally: FLAG, state: { enum: STEP_STATES } },
      attempts: array(ref("RunAttempt"), {
        maxItems: 100,
        description:
          "The newest ones; of a step with items, the last one of each item that has not ended well",
      }),
    },
    {
      why: { enum: ["if", "else", "needs", "catch"], description: "Why it was skipped" },
      error: ref("StepError"),
      then: { ...TEXT, description: "The step that its `catch` chose" },
      ...{ startedAt: INSTANT, endedAt: INSTANT },
      items: {
        ...object(Object.fromEntries(counts.map((state) => [state, COUNT]))),
        description: "Of a step with items or iterations: how many are in each state",
      },
    },
  );
}

function attemptMembers(): [members: Members, optional: Members] {
  const state = { enum: ["running", "waiting", "done", "failed", "cancelled"] };
  const waitsFor = object(
    { kind: { enum: ["time", "event", "approval", "flow"] }, until: INSTANT },
    { topic: TEXT, type: TEXT, by: TEXT, equals: VALUE, message: TEXT, flow: TEXT, run: ref("RunId") },
  );
  return [
    { attempt: NUMBER, state, startedAt: INSTANT },
    {
      ...{ item: COUNT, endedAt: INSTANT, error: ref("StepError") },
      callId: { ...TEXT, description: "Id of the call, which finds its lines" },
      retryAt: { ...INSTANT, description: "When the next attempt follows" },
      waitsFor: { ...waitsFor, description: "What it waits for, or waited for, and until when" },
    },
  ];
}

function attemptDescription(): Schema {
  const [members, optional] = attemptMembers();
  const fault = { ...TEXT, description: "Why the input cannot be shown" };
  return object(
    { step: TEXT, ...members, attempts: array(ref("RunAttempt"), { maxItems: 100 }) },
    { ...optional, input: VALUE, inputBody: BODY, inputFault: fault, output: VALUE, outputBody: BODY },
  );
}
