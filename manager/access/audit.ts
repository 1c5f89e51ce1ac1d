import type { Middleware } from "koa";
import { ClientLeft } from "../../http/client-signal.ts";
import { toProblem } from "../../platform/problems.ts";
import { printable } from "../../process/printable.ts";
import type { AuditEntry, AuditLog } from "../../store/store.ts";
import type { CallState } from "../api/services.ts";

export interface AuditOptions {
  /** Absent where Skiff runs without a store: entries are printed. */
  readonly audit: Pick<AuditLog, "append"> | undefined;
  readonly print: (line: string) => void;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

/** Status in the entry of a request whose client left before the answer, as proxies log it. */
const CLIENT_LEFT_STATUS = 499;
const DETAIL_CHARACTERS = 300;

/**
 * Appends every write of a known caller to the audit log, refused ones included, before it is answered. An entry that
 * cannot be stored is printed: the write itself is done, so its answer must say so.
 */
export function auditWrites({ audit, print, now }: AuditOptions): Middleware<CallState> {
  const append = async (entry: AuditEntry) => {
    let reason = "there is no store";
    try {
      if (audit !== undefined) return await audit.append(entry);
    } catch (error) {
      reason = (error as Error).message;
    }
    const { by, from, action, target, status, detail, callId } = entry;
    const text = `${by} from ${from}: ${action} ${target} ${status} ${detail} (call ${callId})`;
    print(printable(`audit, not stored because ${reason}: ${text}`));
  };
  return async (ctx, next) => {
    const at = new Date(now());
    const record = async (status: number, code?: string) => {
      const { by, from, rule, audited = {}, callId } = ctx.state;
      if (rule?.action === undefined) return;
      const { target = "", detail = "" } = audited;
      const { action } = rule;
      const shown = (text: string) => text.replaceAll(/\p{C}+/gu, " ").slice(0, DETAIL_CHARACTERS);
      await append({
        at,
        by,
        from,
        action,
        target: shown(target),
        status,
        detail: shown(code ?? detail),
        callId,
      });
    };
    try {
      await next();
    } catch (error) {
      if (error instanceof ClientLeft) await record(CLIENT_LEFT_STATUS, "the client left");
      else {
        const { status, code } = toProblem(error);
        await record(status, code);
      }
      throw error;
    }
    if (!ctx.state.audited?.isNothing) await record(ctx.status);
  };
}
