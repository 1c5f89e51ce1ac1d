import type { Principal } from "../../../http/access/principal.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import type { TracedCall } from "../../../platform/usage/exchange.ts";
import type { CallHead } from "../../../store/call.ts";
import { levelOf } from "../../../store/log-filter.ts";
import { answerJson } from "../answer.ts";
import { callDocument } from "../calls/call-document.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, ManagerStore, Services } from "../services.ts";
import { requireStore } from "../store.ts";
import { type FoundLines, linesOf, searchLines } from "./lines.ts";
import { callOf, type Origin, runOf } from "./origin.ts";
import { spansOfCall, spansOfRecord } from "./spans.ts";

const ID = /^[0-9a-f]{32}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the store has of a call. */
interface Found extends Origin {
  readonly traced: TracedCall | undefined;
  readonly found: FoundLines;
}

/** `GET /trace/ID?function=`: what is known of one call, of any function. */
export function describeTrace(services: Services): Handler {
  const readers = { function: (text?: string) => (text === undefined ? undefined : checkFunctionName(text)) };
  return async (ctx) => {
    const id = ctx.params.id!;
    const asked = readParameters(ctx, readers);
    const store = requireStore(services);
    const { principal } = ctx.state;
    const known = ID.test(id) ? await find(services, { store, principal, id, ...asked }) : undefined;
    if (known === undefined) throw unknownTrace(id);
    answerJson(ctx, traceDocument(id, known));
  };
}

interface Search {
  readonly store: ManagerStore;
  readonly principal: Principal;
  readonly id: string;
  /** Where the call went, if the caller knows. */
  readonly function?: string | undefined;
}

/** Returns undefined if nothing is known, or nothing that the caller may see. */
async function find(
  services: Services,
  { store, principal, id, ...asked }: Search,
): Promise<Found | undefined> {
  const { usage, calls, runs, logs } = store;
  const maySee = (name: string) => principal.functions?.includes(name) ?? true;
  const traced = await usage.trace(id);
  if (traced !== undefined && !maySee(traced.function)) return undefined;
  const [call, run] = await Promise.all([
    calls && callOf(calls, { id, principal, claimed: traced?.call }),
    runs && traced?.run !== undefined && principal.functions === undefined
      ? runOf(runs, { id, claimed: traced.run })
      : undefined,
  ]);
  const target = call !== undefined && "function" in call.target ? call.target.function : undefined;
  const name = traced?.function ?? target ?? asked.function;
  const ids = call === undefined ? [id] : [id, ...call.attempts.flatMap(({ callId }) => callId ?? [])];
  const found =
    name === undefined
      ? await searchLines(logs, await visibleNames(services, principal), id)
      : { lines: maySee(name) ? await linesOf(logs, name, [...new Set(ids)]) : [], isCut: false };
  const isKnown = traced !== undefined || call !== undefined || found.lines.length > 0;
  return isKnown ? { traced, call, run, found } : undefined;
}

async function visibleNames({ platform }: Services, { functions }: Principal): Promise<readonly string[]> {
  return functions ?? Array.from(platform.allEndpoints(), ({ name }) => name).toSorted();
}

function traceDocument(id: string, { traced, call, run, found }: Found): Record<string, unknown> {
  const { lines, isCut } = found;
  const [first] = lines;
  // The line of a failed call has its status.
  const ended = lines.find(({ line }) => line.stream === "call")?.line;
  const target = call !== undefined && "function" in call.target ? call.target.function : undefined;
  const name = traced?.function ?? target ?? first?.function;
  const version = traced?.version ?? first?.line.version;
  const instance = traced?.instance ?? first?.line.instance;
  const status = traced?.status ?? ended?.status ?? call?.answer?.status;
  const { startedAt, durationMs } = call?.id === id ? timesOfRecord(call) : timesOfCall(traced);
  return {
    callId: id,
    ...(name === undefined ? {} : { function: name }),
    ...(version === undefined ? {} : { version }),
    ...(instance ? { instance } : {}),
    ...(status === undefined ? {} : { status }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(call === undefined ? {} : { call: callDocument(call) }),
    ...(run === undefined ? {} : { run }),
    spans: traced ? spansOfCall(traced) : call ? spansOfRecord(call) : [],
    lines: lines.map(({ function: of, line }) => {
      const { at, stream, text } = line;
      return { at, function: of, version: line.version, level: levelOf(line), stream, text };
    }),
    ...(isCut ? { isCut } : {}),
  };
}

interface Times {
  readonly startedAt?: Date;
  readonly durationMs?: number;
}

function timesOfRecord({ acceptedAt, endedAt }: CallHead): Times {
  const startedAt = new Date(acceptedAt);
  return endedAt === undefined ? { startedAt } : { startedAt, durationMs: endedAt - acceptedAt };
}

function timesOfCall(traced: TracedCall | undefined): Times {
  if (traced === undefined) return {};
  const { atMs, durationMs } = traced;
  return { startedAt: new Date(atMs - durationMs), durationMs: Math.round(durationMs * 1_000) / 1_000 };
}

function unknownTrace(id: string): Problem {
  const detail = `Nothing is known of the call "${id.slice(0, 80)}": it printed nothing and did not fail, or its lines were removed.`;
  return new Problem("unknown_call", detail);
}
