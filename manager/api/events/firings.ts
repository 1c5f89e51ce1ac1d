import { answerJson } from "../answer.ts";
import { invalidCursor } from "../cursor.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { requireDeclared } from "./declarations.ts";
import { runFirings } from "./run-firings.ts";
import { SCHEDULES } from "./schedules.ts";

/** `GET /schedule/NAME/firings`: a page of what became of its times, newest first. The cursor is the last time. */
export function listFirings(services: Services): Handler {
  const most = services.limits.pageSize;
  const readers = { limit: wholeNumber(1, most, most), cursor: readCursor };
  return async (ctx) => {
    const { limit, cursor: before } = readParameters(ctx, readers);
    const name = ctx.params.name!;
    const { spec } = await requireDeclared(services, SCHEDULES, name);
    const found = await requirePart(services, "timers").firings(name, { before, limit: limit + 1 });
    const page = found.slice(0, limit);
    const shown = spec.run === undefined ? page : await runFirings(services, page);
    const firings = shown.map(({ at, firedAt, ...rest }) => ({
      ...{ at: new Date(at), firedAt: new Date(firedAt) },
      ...rest,
    }));
    answerJson(ctx, { firings, next: found.length > limit ? String(page.at(-1)!.at) : null });
  };
}

function readCursor(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalidCursor();
}
