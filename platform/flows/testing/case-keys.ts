import { ENDED_STATES } from "../run/error.ts";

export const CASE_KEYS = {
  file: ["cases"],
  case: ["name", "input", "trigger", "start", "mocks", "cancelAfter", "expect"],
  mock: ["output", "error"],
  mockError: ["type", "status", "message"],
  expect: ["state", "output", "error", "steps"],
  expectedError: ["step", "type", "status", "message", "item"],
  expectedStep: ["state", "output", "input", "attempts", "error"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export const RUN_STATES = ENDED_STATES;

/** What a step can be once a run has ended. */
export const STEP_STATES = ["pending", "done", "skipped", "caught", "failed", "cancelled"] as const;
