import { forward } from "../../../http/programs/forward.ts";
import type { DashboardOptions } from "../options.ts";
import { sandbox } from "../policy/protection.ts";
import { type Route, requireMethod } from "../route.ts";
import type { CredentialCheck } from "./credential.ts";
import { answerEnvelope, readAttempt } from "./try-envelope.ts";
import { addedFields, upstreamOf } from "./upstreams.ts";

/** Longer than the longest timeout of a function: the router ends what is silent. */
const SILENCE_MS = 2 * 3_600_000;
/** The router and the function may add to what one of them sends. */
const HEADER_FACTOR = 4;

/**
 * Makes one call of a function (`POST /try`). Status and fields of the answer come in one field, and its body as bytes, so
 * that nothing a function answers acts on the origin of the dashboard.
 */
export function relayTry(options: DashboardOptions, credentials: CredentialCheck): Route {
  const { limits } = options;
  return async (request, response) => {
    requireMethod(request, response, ["POST"]);
    credentials.read(request);
    const { method, path, fields: given, withKey } = readAttempt(request);
    const text = await credentials.verify(request);
    if (response.destroyed) return;
    const { router, events } = options.targets();
    const base = path.startsWith("/fn/") ? router : events;
    const to = { ...upstreamOf(base, SILENCE_MS), maxHeaderSize: HEADER_FACTOR * limits.headerBytes };
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    const framing =
      length !== undefined ? ["content-length", length] : coding ? ["transfer-encoding", coding] : [];
    // Only functions have callers without a name. All else would take the request for one of this machine's user.
    const isNamed = withKey || !path.startsWith("/fn/");
    const key = isNamed ? ["x-skiff-key", text] : [];
    const fields = [...given, ...framing, ...addedFields(request, base, options), ...key];
    sandbox(response);
    const startedMs = performance.now();
    forward(request, response, {
      ...{ to, head: { method, path, fields }, name: "Skiff" },
      answer: (answer) => {
        const firstByteMs = Math.round((performance.now() - startedMs) * 10) / 10;
        const envelope = answerEnvelope(answer, firstByteMs);
        const type = ["content-type", "application/octet-stream", "cache-control", "no-store"];
        return { status: 200, fields: [...type, "x-skiff-try-answer", envelope] };
      },
    });
  };
}
