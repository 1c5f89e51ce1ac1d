import type { LogLine } from "../../platform/platform.ts";
import type { FailedCall } from "../../platform/usage/exchange.ts";
import type { LogBatches } from "../../store/log-batches.ts";
import type { CollectorOptions } from "./collector.ts";

/** Returns what writes failed calls to the logs of their functions. */
export function logFailures(
  logs: Pick<LogBatches, "push">,
  print: (line: string) => void,
): NonNullable<CollectorOptions["onFailures"]> {
  return (failures, lost) => {
    for (const failure of failures) logs.push(failure.function, failureLine(failure));
    if (lost > 0) print(`${lost} failed calls are in no log, because there were too many in a moment`);
  };
}

function failureLine({ atMs, callId, version, instance, status, text }: FailedCall): LogLine {
  return { at: new Date(atMs), instance, version, stream: "call", level: "error", callId, status, text };
}
