import type { Harness } from "../subject.ts";
import { life } from "./life.ts";
import type { CallsStore } from "./new-call.ts";
import { queues } from "./queues.ts";
import { records } from "./records.ts";
import { totals } from "./totals.ts";
import { workers } from "./workers.ts";

/** Registers the tests of Calls. */
export function calls(harness: Harness<CallsStore>): void {
  life(harness);
  queues(harness);
  workers(harness);
  records(harness);
  totals(harness);
}
