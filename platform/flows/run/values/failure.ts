import type { StepError } from "../error.ts";
import type { Missing } from "../machine.ts";

/** A rule cannot go on: the error is that of the step. */
export class Failure extends Error {
  readonly error: StepError;

  constructor(error: StepError) {
    super(error.message);
    this.error = error;
  }
}

/** A rule needs bodies that have to be loaded first. It has recorded nothing of what it was about. */
export class Unloaded extends Error {
  readonly bodies: readonly Missing[];

  constructor(bodies: readonly Missing[]) {
    super("Bodies have to be loaded.");
    this.bodies = bodies;
  }
}

/** Returns the error of a step; throws everything else again. */
export function errorOf(caught: unknown): StepError {
  if (caught instanceof Failure) return caught.error;
  throw caught;
}
