import { RUNTIMES } from "../../../platform/settings/runtime.ts";
import { STEPS } from "../../api/describe/activity.ts";
import { array, COUNT, object, type Schema, TEXT } from "../schema.ts";

const MS: Schema = { type: "number", minimum: 0 };

/** Members that `GET /func?detail=activity` adds to a function; those from `described` are as in its description. */
export function activitySchemas(described: Record<string, Schema>): Record<string, Schema> {
  const counts = array(COUNT, { minItems: STEPS, maxItems: STEPS });
  return {
    ...described,
    runtime: { enum: RUNTIMES },
    lastHour: {
      ...object({ calls: COUNT, errors: COUNT, liveCalls: COUNT, liveErrors: COUNT }, { p95Ms: MS }),
      description:
        "Calls of the last hour, also those of versions with traffic alone; 95th percentile within 10 %",
    },
    series: {
      ...object({
        stepS: { type: "integer", minimum: 1 },
        ...{ calls: counts, errors: counts, liveErrors: counts },
        p95Ms: array({ type: ["number", "null"] }, { minItems: STEPS, maxItems: STEPS }),
      }),
      description: "The same in steps of `stepS` seconds, oldest first; null without calls",
    },
    noHistory: { ...TEXT, description: "Why lastHour and series are missing" },
  };
}
