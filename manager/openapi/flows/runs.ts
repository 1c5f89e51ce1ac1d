import type { Limits } from "../../../platform/limits.ts";
import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, json, operation, query, text } from "../operation.ts";
import { array, COUNT, object, ref, type Schema, TEXT } from "../schema.ts";
import { FLOW } from "./flows.ts";
import { beginOperation } from "./intake.ts";
import { descriptionSchemas, runMembers } from "./run-schemas.ts";
import { RUN_STATES } from "./schemas.ts";

export const RUN: Schema = { name: "id", in: "path", required: true, schema: ref("RunId") };
const TIME = { ...TEXT, example: "15m" };
const OF_RUNS: readonly ProblemCode[] = ["unknown_run", "store_unavailable"];
const LOCATION = { location: { schema: TEXT, description: "Path of the run" } };

/** `/flow/NAME/run` and what is below it. */
export function runPaths({ pageSize }: Limits): Record<string, Schema> {
  const state = { description: `Some of ${RUN_STATES.join(", ")}, separated by commas` };
  const listed = [
    query("state", TEXT, state),
    query("since", TIME, { description: "Begun from then on: a time, or a duration before now" }),
    query("until", TIME, { description: "Begun before then" }),
    query("limit", { type: "integer", minimum: 1, maximum: pageSize, default: pageSize }),
    query("cursor", TEXT),
  ];
  return {
    "/run": {
      get: operation("listAllRuns", "A page of runs of all flows, newest first", {
        parameters: listed,
        answers: { 200: json("The page", ref("RunPage")) },
        problems: ["store_unavailable"],
      }),
    },
    "/flow/{name}/run": {
      parameters: [FLOW],
      get: operation("listRuns", "A page of runs, newest first, also of a flow that was removed", {
        parameters: listed,
        answers: { 200: json("The page", ref("RunPage")) },
        problems: ["unknown_flow", "store_unavailable"],
      }),
      post: beginOperation,
    },
    "/flow/{name}/run/{id}": {
      parameters: [FLOW, RUN],
      get: operation("describeRun", "One run, with its graph, steps and attempts", {
        parameters: [
          query("wait", { ...TEXT, example: "30s" }, { description: "Wait for the end, at most 60s" }),
        ],
        answers: { 200: json("The run", ref("RunDescription")) },
        problems: OF_RUNS,
      }),
      delete: operation("removeRun", "Remove an ended run", {
        answers: { 200: json("Removed", ref("Removed")) },
        problems: [...OF_RUNS, "run_not_ended"],
      }),
    },
    "/flow/{name}/run/{id}/logs": {
      parameters: [FLOW, RUN],
      get: operation("readRunLogs", "The lines of all attempts that have ended", {
        parameters: [
          query("step", TEXT, { description: "Only of this step" }),
          query("item", COUNT, { description: "Only of this item or iteration" }),
          query("raw", { type: "boolean", default: false }),
        ],
        answers: { 200: text("The lines; NDJSON or server-sent events by Accept") },
        problems: [...OF_RUNS, "unknown_step"],
      }),
    },
    ...stepPaths(),
    ...changePaths(),
  };
}

function stepPaths(): Record<string, Schema> {
  const step = { name: "step", in: "path", required: true, schema: TEXT };
  const parameters = [
    query("item", COUNT, { description: "Item or iteration, from 0; required of a step that has them" }),
    query("attempt", { type: "integer", minimum: 1 }, { description: "By default the last one" }),
  ];
  return {
    "/flow/{name}/run/{id}/step/{step}": {
      parameters: [FLOW, RUN, step],
      get: operation("describeStep", "One attempt of a step, with its input and its output", {
        parameters,
        answers: { 200: json("The attempt", ref("RunAttemptDescription")) },
        problems: [...OF_RUNS, "unknown_step"],
      }),
    },
    "/flow/{name}/run/{id}/step/{step}/output": {
      parameters: [FLOW, RUN, step],
      get: operation("readStepOutput", "The output of one attempt of a step, as it is", {
        parameters,
        answers: {
          200: { description: "The output", headers: CALL_ID, content: { "*/*": { schema: {} } } },
        },
        problems: [...OF_RUNS, "unknown_step", "no_result"],
      }),
    },
  };
}

function changePaths(): Record<string, Schema> {
  const answer = { ...json("The engine of the run does it soon", ref("AcceptedRun")) };
  const answers = { 202: { ...answer, headers: { ...CALL_ID, ...LOCATION } } };
  const post = (id: string, summary: string, parts: { parameters?: Schema[]; problems: ProblemCode[] }) => ({
    parameters: [FLOW, RUN],
    post: operation(id, summary, { ...parts, answers, problems: [...OF_RUNS, ...parts.problems] }),
  });
  const reason = query("reason", { type: "string", maxLength: 1_000 });
  return {
    "/flow/{name}/run/{id}/retry": post("retryRun", "Let an ended run go on; earlier outputs stay", {
      parameters: [
        query("from", TEXT, {
          description: "A step: it and what follows run again. By default what failed",
        }),
        query("item", COUNT, { description: "This item of the step alone, and what follows" }),
        query(
          "functions",
          { const: "current" },
          {
            description: "Call the versions that have traffic now; by default those with which the run began",
          },
        ),
      ],
      problems: ["unknown_step", "run_not_ended", "run_ended"],
    }),
    "/flow/{name}/run/{id}/cancel": post("cancelRun", "Start no further step, then run `finally`", {
      parameters: [reason],
      problems: ["run_ended"],
    }),
    "/flow/{name}/run/{id}/pause": post("pauseRun", "Start no further call. Waits go on", {
      problems: ["run_ended", "run_cancelling"],
    }),
    "/flow/{name}/run/{id}/approve": approvePath(answers),
    "/flow/{name}/run/{id}/resume": post("resumeRun", "Let a paused run go on", { problems: ["run_ended"] }),
  };
}

function approvePath(answers: Schema): Schema {
  const body = object({}, { approved: { type: "boolean", default: true }, comment: TEXT, data: {} });
  return {
    parameters: [FLOW, RUN],
    post: operation("approveRun", "Answer a step that waits for a person", {
      parameters: [
        query("step", TEXT, { description: "It may be left out if one step alone waits" }),
        query("item", COUNT),
      ],
      requestBody: {
        description: "Without a body the step is approved. A refusal fails the step with `rejected`",
        content: { "application/json": { schema: body } },
      },
      answers: answers as Record<number, Schema>,
      problems: [
        ...OF_RUNS,
        ...([
          "unknown_step",
          "not_waiting",
          "run_ended",
          "body_too_large",
          "unsupported_media_type",
        ] as const),
      ],
    }),
  };
}

/** Schemas of runs. */
export function runSchemas({ pageSize }: Limits): Record<string, Schema> {
  return {
    RunId: { type: "string", pattern: "^[0-9a-f]{32}$" },
    Run: object(...runMembers()),
    RunPage: object({
      runs: array(ref("Run"), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    ...descriptionSchemas(),
    AcceptedRun: object({
      id: ref("RunId"),
      state: { enum: RUN_STATES, description: "The state before" },
      pending: {
        enum: ["retry", "cancel", "pause", "resume", "approve", "reject"],
        description: "What the engine of the run does next",
      },
    }),
  };
}
