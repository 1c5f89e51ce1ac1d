import { engines } from "./engines.ts";
import { life } from "./life.ts";
import type { RunsHarness } from "./new-run.ts";
import { records } from "./records.ts";
import { trees } from "./trees.ts";
import { versions } from "./versions.ts";
import { waits } from "./waits.ts";

/** Registers the tests of Runs. */
export function runs(harness: RunsHarness): void {
  life(harness);
  engines(harness);
  records(harness);
  waits(harness);
  versions(harness);
  trees(harness);
}
