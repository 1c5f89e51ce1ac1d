/** Requests below /async: stored as calls, and acknowledged once they are durable. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isAway } from "../../calling/away.ts";
import { mayBeLong, readBody } from "../../calling/requests/read-body.ts";
import { keyReused, RequestIdentity } from "../../calling/requests/request-identity.ts";
import { Uploads } from "../../calling/requests/uploads.ts";
import { Callers } from "../../http/access/callers.ts";
import type { Principal } from "../../http/access/principal.ts";
import { answerError } from "../../http/problem-answer.ts";
import { queueFull, requireHeaderRoom, traceRefused, unknownVersion } from "../../http/request-problems.ts";
import { NewTraces } from "../../http/traceparent.ts";
import type { Endpoints } from "../../platform/platform.ts";
import { Problem, unknownFunction } from "../../platform/problems.ts";
import { COMMAND_QUEUE, type NewCall } from "../../store/call.ts";
import { newCallId } from "../../store/call-id.ts";
import type { EventServices, EventsPart } from "../services.ts";
import { acknowledge, refusePreflight, unknownRoute } from "./answers.ts";
import { type OptionTexts, readOptions, takeOptions, unknownOption } from "./call-options.ts";
import { CommandIntake, isForCommands } from "./command-intake.ts";
import { type RequestFields, readFields } from "./request-fields.ts";
import { type AsyncTarget, parseAsyncTarget } from "./target.ts";

export async function createIntake(services: EventServices): Promise<EventsPart> {
  const intake = new Intake(services);
  return {
    handler: (request, response) => void intake.answer(request, response),
    deliveries: { limits: () => [[COMMAND_QUEUE, services.limits.execsAtOnce]] },
    close: () => Promise.resolve(),
  };
}

export class Intake {
  readonly #services: EventServices;
  readonly #callers: Callers;
  readonly #traces = new NewTraces();
  readonly #uploads: Uploads;
  readonly #commands: CommandIntake;

  constructor(services: EventServices) {
    this.#services = services;
    this.#uploads = new Uploads(services.store.bodies);
    this.#callers = new Callers(services);
    const [callers, uploads, traces] = [this.#callers, this.#uploads, this.#traces];
    this.#commands = new CommandIntake({ services, callers, uploads, traces });
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#accept(request, response);
    } catch (error) {
      answerError(response, error, this.#services.print);
    }
  }

  /** The whole way of a request. */
  async #accept(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isForCommands(request.url!)) return await this.#commands.accept(request, response);
    const { platform, store, limits, proxies, env, now, random } = this.#services;
    const target = parseAsyncTarget(request.url!);
    if (target === undefined) throw unknownRoute(request);
    if (request.method === "TRACE") throw traceRefused();
    const endpoints = platform.endpoints(target.name);
    if (endpoints === undefined) throw unknownFunction(target.name);
    requireHeaderRoom([request.url!, ...request.rawHeaders], limits);
    const fields = readFields(request, { authority: target.authority, proxies });
    const caller = this.#callerOf(request, endpoints, { fields, hasCallback: hasCallback(target, fields) });
    checkVersion(endpoints, target);
    refusePreflight(request);
    if (fields.unknownOption !== undefined) throw unknownOption(fields.unknownOption);
    const { rest: query, options } = chosenOptions(target, fields);
    const hasCallbacks = Boolean(env.SKIFF_CALLBACK_SECRET);
    const { retry } = endpoints;
    // Before the body, which may be long.
    const chosen = readOptions(options, { now: now(), retry, hasCallbacks });
    const identity = RequestIdentity.of(request);
    const [queue, mostLive] = [`fn/${target.name}`, limits.queuedCalls];
    // What waits already may be repeated.
    if (mayBeLong(request) && identity === undefined && (await store.calls.live([queue])) >= mostLive)
      throw queueFull(target.name, mostLive);
    const body = await readBody(request, { bodies: this.#uploads, limits, hash: identity?.body });
    const acceptedAt = now();
    const trace = this.#traces.continued(fields);
    const method = request.method!;
    const { "content-type": contentType = "" } = request.headers;
    const call: NewCall = {
      id: newCallId(acceptedAt, random),
      queue,
      target: { function: target.name, version: target.version },
      request: { method, path: target.path + query, headers: fields.forFunction, body },
      ...chosen,
      dueAt: Math.max(chosen.dueAt, acceptedAt),
      origin: { kind: "api" },
      acceptedAt,
      by: caller.by,
      keyId: caller.keyId,
      ...trace,
      idempotency: identity?.idempotency(caller, {
        scope: queue,
        parts: [method, target.version ?? "", target.path, query, contentType, [...options].sort()],
      }),
      keepsRecord: true,
    };
    const [outcome] = await store.calls.enqueue([call], { now: acceptedAt, mostLive });
    // Otherwise it is removed after an hour.
    if ("refused" in outcome! || !outcome!.isNew) await store.bodies.remove(body).catch(ignoreAway);
    if ("refused" in outcome!) {
      throw outcome.refused === "full" ? queueFull(target.name, mostLive) : keyReused();
    }
    acknowledge(response, { ...outcome!, traceparent: trace.traceparent });
  }

  #callerOf(
    request: IncomingMessage,
    { name, access = "public" }: Endpoints,
    { fields, hasCallback }: { readonly fields: RequestFields; readonly hasCallback: boolean },
  ): Principal {
    const isInternal = access === "internal";
    // Skiff signs the outcome, and sends it where the caller says: not for everybody.
    const isPublic = access === "public";
    const asked = {
      what: isPublic ? "The option callback" : `"${name}"`,
      function: name,
      needsKey: !isPublic || hasCallback,
      admitsLocal: isPublic || isInternal,
    };
    try {
      const caller = this.#callers.check(request, asked, fields);
      const { bearer, forFunction } = fields;
      if (bearer !== undefined && !this.#callers.readsBearer(asked, fields)) {
        forFunction.push("authorization", `Bearer ${bearer}`);
      }
      return caller;
    } catch (error) {
      // Nobody from outside learns that the function exists.
      if (isInternal && error instanceof Problem && error.code === "unauthorized")
        throw unknownFunction(name);
      throw error;
    }
  }
}

function ignoreAway(error: unknown): void {
  if (!isAway(error)) throw error;
}

function checkVersion(endpoints: Endpoints, { version }: AsyncTarget): void {
  if (version === undefined || endpoints.versions.some((each) => each.version === version)) return;
  throw unknownVersion(endpoints, version, "/async/fn");
}

/** Whether `chosenOptions` will have a callback. */
function hasCallback({ query }: AsyncTarget, { options }: RequestFields): boolean {
  return options.size > 0 ? options.has("callback") : /[?&]callback(?=[=&]|$)/.test(query);
}

/** Options in headers leave the whole query to the function. */
function chosenOptions(
  { query }: AsyncTarget,
  { options }: RequestFields,
): { readonly rest: string; readonly options: OptionTexts } {
  return options.size > 0 || query === "" ? { rest: query, options } : takeOptions(query);
}
