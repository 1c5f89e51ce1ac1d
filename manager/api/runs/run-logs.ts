import { Readable } from "node:stream";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import type { RunRecord, Runs } from "../../../store/flows/runs.ts";
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

/** Clocks of machines differ, and lines come late. */
const CLOCKS_MS = 300_000;
const FEW_CALLS = 20;
/** Calls whose lines are shown at most: the first ones. */
const MOST_CALLS = 100_000;

interface Asked {
  readonly step: string | undefined;
  readonly item: number | undefined;
}

/** A call of a function, and when it may have written lines. */
interface CallOf {
  readonly name: string;
  readonly call: string;
  readonly since: Date;
  readonly until: Date;
}

/** A line of a function. */
interface LineOf {
  readonly name: string;
  readonly line: SentLine;
}

/**
 * `GET /flow/NAME/run/ID/logs?step=&item=&raw=`: the lines of every attempt that has ended and called a function, call by call or,
 * of over 20 calls, function by function, as text, NDJSON or server-sent events.
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
    const lines =
      logs === undefined ? noLines() : linesOf(logs, await callsOf(runs, run, { functions, asked }));
    ctx.body = Readable.from(sendLines(lines, form, false));
  };
}

async function* noLines(): AsyncGenerator<LineOf> {}

/** The calls of a run, in the order of their ends. */
async function callsOf(
  runs: Pick<Runs, "entries">,
  { id, acceptedAt }: Pick<RunRecord, "id" | "acceptedAt">,
  {
    functions,
    asked,
  }: { readonly functions: ReadonlyMap<string, string | undefined>; readonly asked: Asked },
): Promise<readonly CallOf[]> {
  const calls: CallOf[] = [];
  for await (const entry of entriesOf(runs, id)) {
    if (entry.kind !== "done" && entry.kind !== "failed") continue;
    const isAsked = asked.step === undefined || asked.step === entry.step;
    const name = functions.get(entry.step);
    if (!isAsked || (asked.item !== undefined && asked.item !== entry.item)) continue;
    if (name === undefined || entry.callId === undefined) continue;
    const since = new Date(acceptedAt - CLOCKS_MS);
    calls.push({ name, call: entry.callId, since, until: new Date(entry.at + CLOCKS_MS) });
    if (calls.length === MOST_CALLS) break;
  }
  return calls;
}

/** A log is read once for each of a few calls, and once for all of many. */
async function* linesOf(logs: LogStore, calls: readonly CallOf[]): AsyncGenerator<LineOf> {
  if (calls.length <= FEW_CALLS) {
    for (const { name, ...query } of calls)
      for await (const line of logs.read(name, query)) yield { name, line };
    return;
  }
  for (const [name, own = []] of Object.entries(Object.groupBy(calls, (each) => each.name))) {
    const ids = new Set(own.map(({ call }) => call));
    const { until } = own.at(-1)!;
    for await (const line of logs.read(name, { since: own[0]!.since, until }))
      if (line.callId !== undefined && ids.has(line.callId)) yield { name, line };
  }
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
