import type { AuditLog, UsageLedger } from "../store.ts";
import { checkCursor } from "./audit.ts";
import type { RunWork } from "./works.ts";

export function usageLedger(run: RunWork): UsageLedger {
  return {
    add: (batches) => run("addUsage", batches, new Date()),
    sum: (query) => run("sumUsage", query),
    minutes: (name, since) => run("usageMinutes", name, since, new Date()),
    series: (query) => run("usageSeries", query),
    sample: (samples) => run("addSamples", samples),
    samples: (query) => run("usageSamples", query),
    trace: (callId) => run("tracedCall", callId),
    month: (at) => run("usageMonth", at),
    lastUse: () => run("lastUse"),
  };
}

export function auditLog(run: RunWork): AuditLog {
  return {
    append: (entry) => run("appendAudit", entry),
    list: async (query) => {
      checkCursor(query);
      return await run("listAudit", query);
    },
  };
}
