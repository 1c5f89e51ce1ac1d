import type { StepError } from "../../../platform/flows/run/error.ts";

/** The error of a run that its engine cannot go on with. */
export function faultError({ message }: Error): StepError {
  const advice = "Let it go on with POST …/retry once the cause is mended";
  return { type: "internal_error", message: `Skiff could not go on with the run: ${message}. ${advice}.` };
}
