/** Requests of /async/exec: commands that wait in the store. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "../../calling/requests/read-body.ts";
import { keyReused, RequestIdentity } from "../../calling/requests/request-identity.ts";
import type { Uploads } from "../../calling/requests/uploads.ts";
import type { Callers } from "../../http/access/callers.ts";
import { requireAllFunctions, requireScope } from "../../http/access/principal.ts";
import { readOrder } from "../../http/parameters/command-order.ts";
import { queueFull, requireHeaderRoom } from "../../http/request-problems.ts";
import type { NewTraces } from "../../http/traceparent.ts";
import { checkCommand, NO_COMMANDS } from "../../platform/images/command-rules.ts";
import { Problem } from "../../platform/problems.ts";
import { COMMAND_QUEUE, COMMAND_TARGET, type NewCall } from "../../store/call.ts";
import { newCallId } from "../../store/call-id.ts";
import type { EventServices } from "../services.ts";
import { acknowledge } from "./answers.ts";
import { readOptions, takeOptions, unknownOption } from "./call-options.ts";
import { readFields } from "./request-fields.ts";

const TARGET = /^(?:https?:\/\/([^/?#]*))?\/async\/exec\/?(\?.*)?$/i;
const ENV_FIELD = /^x-skiff-env-/i;

export interface CommandIntakeOptions {
  readonly services: EventServices;
  readonly callers: Callers;
  readonly uploads: Uploads;
  readonly traces: NewTraces;
}

/** Whether a request is for /async/exec. */
export function isForCommands(url: string): boolean {
  return TARGET.test(url);
}

/** Stores commands. A command runs once, whatever becomes of it, unless the request asks for more attempts. */
export class CommandIntake {
  readonly #options: CommandIntakeOptions;

  constructor(options: CommandIntakeOptions) {
    this.#options = options;
  }

  /** @throws Problem for what is not accepted */
  async accept(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { services, callers, uploads, traces } = this.#options;
    const { store, limits, proxies, env, now, random, commandRules = NO_COMMANDS } = services;
    const [, authority, given = ""] = TARGET.exec(request.url!)!;
    requireMethod(request, response);
    requireHeaderRoom([request.url!, ...request.rawHeaders], limits);
    const fields = readFields(request, { authority, proxies });
    const asked = { what: "A command", needsKey: true, admitsLocal: true, scope: "run" } as const;
    const caller = callers.check(request, asked, fields);
    requireAllFunctions(caller);
    if (fields.unknownOption !== undefined) throw unknownOption(fields.unknownOption);
    const hasFields = fields.options.size > 0 || given === "";
    const { rest: query, options } = hasFields
      ? { rest: given, options: fields.options }
      : takeOptions(given);
    // What can never run is not kept until it is due.
    const order = readOrder({ query: query.slice(1), rawHeaders: request.rawHeaders }, limits);
    checkCommand(commandRules, order.image);
    // The registry learns the secret, and the manager does not know who asked.
    if (order.pullSecret !== undefined) requireScope(caller, "deploy");
    const hasCallbacks = Boolean(env.SKIFF_CALLBACK_SECRET);
    const chosen = readOptions(options, { now: now(), retry: { attempts: 1 }, hasCallbacks });
    const identity = RequestIdentity.of(request);
    const body = await readBody(request, { bodies: uploads, limits, hash: identity?.body });
    const acceptedAt = now();
    const trace = traces.continued(fields);
    const method = request.method!;
    const call: NewCall = {
      id: newCallId(acceptedAt, random),
      queue: COMMAND_QUEUE,
      target: COMMAND_TARGET,
      request: { method, path: `/exec${query}`, headers: commandFields(request), body },
      ...chosen,
      dueAt: Math.max(chosen.dueAt, acceptedAt),
      origin: { kind: "api" },
      acceptedAt,
      by: caller.by,
      keyId: caller.keyId,
      ...trace,
      idempotency: identity?.idempotency(caller, {
        scope: COMMAND_QUEUE,
        parts: [method, "", "", query, "", [...options].sort()],
      }),
      keepsRecord: true,
    };
    const mostLive = limits.queuedCalls;
    const [outcome] = await store.calls.enqueue([call], { now: acceptedAt, mostLive });
    if ("refused" in outcome!) throw outcome.refused === "full" ? queueFull("exec", mostLive) : keyReused();
    acknowledge(response, { ...outcome!, traceparent: trace.traceparent });
  }
}

function requireMethod({ method }: IncomingMessage, response: ServerResponse): void {
  if (method === "GET" || method === "POST") return;
  response.setHeader("allow", "GET, POST");
  throw new Problem("method_not_allowed", `/async/exec answers GET and POST, not ${method}.`);
}

/** The fields of the request to the manager, names and values in turn. Only JSON has how the command ended. */
function commandFields({ rawHeaders }: IncomingMessage): string[] {
  const variables = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && ENV_FIELD.test(name) ? [name, rawHeaders[at + 1]!] : [],
  );
  return ["accept", "application/json", ...variables];
}
