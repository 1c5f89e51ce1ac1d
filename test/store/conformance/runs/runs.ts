import { engines } from "./engines.ts";
import { life } from "./life.ts";
import type { RunsHarness } from "./new-run.ts";

/** Registers the tests of Runs. */
export function runs(harness: RunsHarness): void {
  life(harness);
  engines(harness);
}
