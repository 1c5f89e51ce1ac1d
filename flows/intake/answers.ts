import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { bytesOf } from "../../calling/stored-bodies.ts";
import { whoCancelled } from "../../platform/flows/run/cancellation.ts";
import type { Entry, KeptValue } from "../../platform/flows/run/entry.ts";
import type { RunState } from "../../platform/flows/run/error.ts";
import { Problem } from "../../platform/problems.ts";
import type { FlowServices } from "../services.ts";
import type { BegunRun } from "./beginning.ts";

/**
 * Answers that a run is stored.
 * @param state its present one
 */
export function acknowledge(response: ServerResponse, flow: string, run: BegunRun, state: RunState): void {
  const { id } = run;
  const url = `/flow/${flow}/run/${id}`;
  const body = `${JSON.stringify({ id, url, state })}\n`;
  response
    .writeHead(202, {
      ...ownFields(run),
      "content-type": "application/json; charset=utf-8",
      "content-length": body.length,
      location: url,
    })
    .end(body);
}

export interface OutputOptions {
  readonly run: BegunRun;
  readonly services: Pick<FlowServices, "values" | "store">;
  /** Null has no body and the status 204. By default it is JSON. */
  readonly mayBeEmpty?: boolean;
}

/** Answers with an output: JSON, a text, or a body with the type that it came with. */
export async function sendOutput(
  response: ServerResponse,
  output: KeptValue,
  { run, services, mayBeEmpty = false }: OutputOptions,
): Promise<void> {
  if (mayBeEmpty && "json" in output && output.json === null) {
    response.writeHead(204, ownFields(run)).end();
    return;
  }
  const { body, type } = await services.values.sendable(output);
  response.writeHead(200, {
    ...ownFields(run),
    "content-type": type ?? "application/octet-stream",
    "content-length": bytesOf(body),
  });
  const isHead = response.req.method === "HEAD";
  if ("inline" in body || isHead) response.end("inline" in body && !isHead ? body.inline : undefined);
  else await pipeline(Readable.from(services.store.bodies.read(body)), response);
}

/** Answers a schedule whose run would overlap with an earlier one. */
export function skip(response: ServerResponse, flow: string, id: string): void {
  const detail = `The run of an earlier time is not finished: ${id}.`;
  const body = `${JSON.stringify({ skipped: detail, id, url: `/flow/${flow}/run/${id}` })}\n`;
  response
    .writeHead(200, {
      "content-type": "application/json; charset=utf-8",
      "content-length": body.length,
      "cache-control": "no-store",
    })
    .end(body);
}

export function runFailed(flow: string, id: string, end: Extract<Entry, { kind: "ended" }>): Problem {
  if (end.state === "cancelled") {
    const detail = `The run ${id} of the flow "${flow}" was cancelled by ${whoCancelled(end)}`;
    return new Problem("run_failed", detail, { run: { id } });
  }
  const { step, error } = end as Extract<typeof end, { state: "failed" }>;
  const detail = `The run ${id} of the flow "${flow}" failed at the step "${step}": ${error.message}`;
  return new Problem("run_failed", detail, { run: { id, step, error } });
}

function ownFields({ id, isNew, traceparent }: BegunRun): Record<string, string> {
  return {
    "cache-control": "no-store",
    "x-skiff-call-id": id,
    "skiff-run": id,
    ...(isNew ? { traceparent } : { "idempotency-replayed": "true" }),
  };
}
