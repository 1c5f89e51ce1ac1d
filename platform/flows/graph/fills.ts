import type { StepState } from "../run/error.ts";

/** Colours of steps in a run. Black text is readable on all of them. */
export const FILLS: Readonly<Record<StepState, string>> = {
  pending: "#f1f3f5",
  running: "#a5d8ff",
  waiting: "#ffec99",
  retrying: "#ffd8a8",
  done: "#b2f2bb",
  skipped: "#dee2e6",
  caught: "#eebefa",
  failed: "#ffc9c9",
  cancelled: "#ced4da",
};
