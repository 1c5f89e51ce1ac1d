import type { AuditLog, UsageLedger } from "../store.ts";
import { appendAudit, checkCursor, listAudit } from "./audit.ts";
import { removeOld } from "./retention.ts";
import { addUsage, lastUse, sumUsage, usageMinutes, usageMonth } from "./usage.ts";
import type { Work } from "./work.ts";

/** Every transaction by its name, so that one that runs in a thread can be named in a message. */
export const WORKS = {
  addUsage,
  sumUsage,
  usageMinutes,
  usageMonth,
  lastUse,
  appendAudit,
  listAudit,
  removeOld,
} as const;

export type WorkName = keyof typeof WORKS;
type ResultOf<N extends WorkName> = ReturnType<(typeof WORKS)[N]> extends Work<infer T> ? T : never;

/** Runs a transaction of a driver. Durable when it resolves. */
export type RunWork = <N extends WorkName>(
  name: N,
  ...args: Parameters<(typeof WORKS)[N]>
) => Promise<ResultOf<N>>;

export function usageLedger(run: RunWork): UsageLedger {
  return {
    add: (batches) => run("addUsage", batches, new Date()),
    sum: (query) => run("sumUsage", query),
    minutes: (name, since) => run("usageMinutes", name, since, new Date()),
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
