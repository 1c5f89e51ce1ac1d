import { Readable } from "node:stream";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import type { LogStore } from "../../../store/store.ts";
import { type Form, formOf, type SentLine } from "../logs/log-forms.ts";
import { acceptedForm, type LogForm } from "../logs/log-query.ts";
import { sendLines } from "../logs/send-lines.ts";
import { flag, readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart, requireStore } from "../store.ts";
import { definitionOf, unknownStep } from "./change-run.ts";
import { entriesOf } from "./entries.ts";
import { requireRun } from "./visible-runs.ts";

/** A line of a function. */
interface LineOf {
  readonly name: string;
  readonly line: SentLine;
}

/**
 * `GET /flow/NAME/run/ID/logs?step=&item=&raw=`: the lines of every attempt that has ended and called a function, in the order of their
 * ends, as text, NDJSON or server-sent events.
 */
export function readRunLogs(services: Services): Handler {
  const item = wholeNumber(0, Number.MAX_SAFE_INTEGER, undefined);
  return async (ctx) => {
    const asked = readParameters(ctx, { step: (text?: string) => text, item, raw: flag });
    const run = await requireRun(services, ctx, "read");
    const runs = requirePart(services, "runs");
    const functions = functionsOf(await definitionOf(runs, run));
    if (asked.step !== undefined && !functions.has(asked.step)) {
      throw unknownStep(asked.step, [...functions.keys()]);
    }
    const form = formOfRun(acceptedForm(ctx), asked.raw);
    ctx.status = 200;
    ctx.vary("accept");
    ctx.set("content-type", form.type);
    const { logs } = requireStore(services);
    async function* lines(): AsyncGenerator<LineOf> {
      if (logs === undefined) return;
      for await (const entry of entriesOf(runs, run.id)) {
        if (entry.kind !== "done" && entry.kind !== "failed") continue;
        const isAsked = asked.step === undefined || asked.step === entry.step;
        if (!isAsked || (asked.item !== undefined && asked.item !== entry.item)) continue;
        yield* linesOf(logs, functions.get(entry.step), entry.callId);
      }
    }
    ctx.body = Readable.from(sendLines(lines(), form, false));
  };
}

async function* linesOf(
  logs: LogStore,
  name: string | undefined,
  callId: string | undefined,
): AsyncGenerator<LineOf> {
  if (name === undefined || callId === undefined) return;
  for await (const line of logs.read(name, { call: callId })) yield { name, line };
}

function formOfRun(form: LogForm, raw: boolean): Form<LineOf> {
  const byName = new Map<string, Form>();
  return {
    ...formOf(form, { name: "", raw }),
    write: ({ name, line }) => {
      const own = byName.get(name) ?? formOf(form, { name, raw });
      byName.set(name, own);
      return own.write(line);
    },
  };
}

/** The function of each step that calls one; undefined for other steps. */
function functionsOf({ steps, finally: last }: FlowDefinition): ReadonlyMap<string, string | undefined> {
  const all = Object.entries({ ...steps, ...last });
  return new Map(all.map(([name, { action }]) => [name, action.kind === "fn" ? action.function : undefined]));
}
