import { Readable } from "node:stream";
import type { CallHead } from "../../../store/call.ts";
import type { LogStore } from "../../../store/store.ts";
import { formOf, type SentLine } from "../logs/log-forms.ts";
import { acceptedForm } from "../logs/log-query.ts";
import { sendLines } from "../logs/send-lines.ts";
import { flag, readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requireStore } from "../store.ts";
import { requireCall } from "./visible-calls.ts";

/** `GET /call/ID/logs`: the lines of every attempt that has ended, as text, NDJSON or server-sent events. */
export function readCallLogs(services: Services): Handler {
  return async (ctx) => {
    const { raw } = readParameters(ctx, { raw: flag });
    const call = await requireCall(services, { principal: ctx.state.principal, id: ctx.params.id! }, "read");
    const { logs } = requireStore(services);
    const { target } = call;
    const name = "function" in target ? target.function : "";
    const form = formOf(acceptedForm(ctx), { name, raw });
    ctx.status = 200;
    ctx.vary("accept");
    ctx.set("content-type", form.type);
    const lines = logs === undefined || name === "" ? noLines() : linesOf(logs, name, call);
    ctx.body = Readable.from(sendLines(lines, form, false));
  };
}

async function* linesOf(logs: LogStore, name: string, { attempts }: CallHead): AsyncGenerator<SentLine> {
  for (const { callId } of attempts) if (callId !== undefined) yield* logs.read(name, { call: callId });
}

async function* noLines(): AsyncGenerator<SentLine> {}
