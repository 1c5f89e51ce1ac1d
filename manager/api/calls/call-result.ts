import { Readable } from "node:stream";
import { Problem } from "../../../platform/problems.ts";
import type { CallHead } from "../../../store/call.ts";
import { answerJson } from "../answer.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { callDocument } from "./call-document.ts";
import { awaitedCall, hasEnded } from "./read-calls.ts";
import { unknownCall } from "./visible-calls.ts";

/** Fields of the answer that its body needs to be read. */
const KEPT_FIELDS = ["content-type", "content-encoding", "content-language"];

/**
 * `GET /call/ID/result?wait=30s`: the body that the function answered with, or 202 with the call while it has not ended.
 * `skiff-status` has the status of the function.
 */
export function readResult(services: Services): Handler {
  return async (ctx) => {
    const call = await awaitedCall(services, ctx);
    if (!hasEnded(call)) {
      ctx.status = 202;
      return answerJson(ctx, callDocument(call));
    }
    if (call.answer === undefined) throw noResult(call);
    const record = await requirePart(services, "calls").get(call.id);
    // It may have been removed, or made to wait again, since.
    if (record === undefined) throw unknownCall(call.id);
    if (record.answer === undefined) throw noResult(record);
    const { state, attempts } = record;
    const { status, headers, body, isCut } = record.answer;
    ctx.status = 200;
    // A page of a function must not act as a page of the management API.
    ctx.set("content-security-policy", "sandbox");
    ctx.set({
      "skiff-state": state,
      "skiff-status": String(status),
      "skiff-attempts": String(attempts.length),
    });
    if (isCut) ctx.set("skiff-cut", "true");
    ctx.set("content-type", "application/octet-stream");
    for (let at = 0; at + 1 < headers.length; at += 2) {
      if (KEPT_FIELDS.includes(headers[at]!.toLowerCase())) ctx.set(headers[at]!, headers[at + 1]!);
    }
    if ("inline" in body) ctx.body = Buffer.from(body.inline);
    else if (ctx.method !== "HEAD") ctx.body = Readable.from(requirePart(services, "bodies").read(body));
    // After the stream, which has no length of its own.
    ctx.length = "inline" in body ? body.inline.byteLength : body.bytes;
  };
}

function noResult({ id, state, reason }: Pick<CallHead, "id" | "state" | "reason">): Problem {
  const why = reason === undefined ? "" : `: ${reason.replace(/\.$/, "")}`;
  return new Problem("no_result", `The call ${id} is ${state} and has no answer${why}.`);
}
