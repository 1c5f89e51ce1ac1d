import { RUNTIMES } from "../../../platform/settings/runtime.ts";
import { STEPS } from "../../api/describe/activity.ts";
import { array, COUNT, object, type Schema, TEXT } from "../schema.ts";
import { LIVE_COUNTS } from "../usage.ts";

const MS: Schema = { type: "number", minimum: 0 };

/** Members that `GET /func?detail=activity` adds to a function; those from `described` are as in its description. */
export function activitySchemas(described: Record<string, Schema>): Record<string, Schema> {
  const counts = array(COUNT, { minItems: STEPS, maxItems: STEPS });
  return {
    ...described,
    runtime: { enum: RUNTIMES },
    lastHour: {
      ...object({ calls: COUNT, errors: COUNT, liveCalls: COUNT, liveErrors: COUNT }, { p95Ms: MS }),
      description: `Calls of the last hour; ${LIVE_COUNTS}; 95th percentile within 10 %`,
    },
    series: {
      ...object({
        stepS: { type: "integer", minimum: 1 },
        ...{ calls: counts, errors: counts, liveErrors: counts },
        p95Ms: array({ type: ["number", "null"] }, { minItems: STEPS, maxItems: STEPS }),
      }),
      description: "The same counts in steps of `stepS` seconds, oldest first; `p95Ms` is null without calls",
    },
    noHistory: { ...TEXT, description: "Why lastHour and series are missing" },
  };
}
