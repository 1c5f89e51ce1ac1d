/** Requests below /async: stored as calls, and acknowledged once they are durable. */
import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { inspect } from "node:util";
import type { Principal } from "../../http/access/principal.ts";
import { ClientLeft } from "../../http/client-signal.ts";
import { answerProblem } from "../../http/problem-answer.ts";
import { traceRefused, unknownVersion } from "../../http/request-problems.ts";
import { isTraceparent, newTraceparent } from "../../http/traceparent.ts";
import type { Endpoints } from "../../platform/platform.ts";
import { Problem, toProblem, unknownFunction } from "../../platform/problems.ts";
import { newCallId } from "../../store/call-id.ts";
import type { Idempotency, NewCall } from "../../store/calls.ts";
import { Callers } from "../callers.ts";
import type { EventServices, EventsPart } from "../services.ts";
import { type OptionTexts, readOptions, takeOptions } from "./call-options.ts";
import { readBody } from "./read-body.ts";
import { type RequestFields, readFields } from "./request-fields.ts";
import { type AsyncTarget, parseAsyncTarget } from "./target.ts";

const MOST_IDEMPOTENCY_KEY = 255;

export async function createIntake(services: EventServices): Promise<EventsPart> {
  const intake = new Intake(services);
  return {
    handler: (request, response) => void intake.answer(request, response),
    close: () => Promise.resolve(),
  };
}

export class Intake {
  readonly #services: EventServices;
  readonly #callers: Callers;

  constructor(services: EventServices) {
    this.#services = services;
    this.#callers = new Callers(services);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#accept(request, response);
    } catch (error) {
      if (error instanceof ClientLeft) {
        response.destroy();
        return;
      }
      const callId = randomUUID();
      if (!(error instanceof Problem)) {
        this.#services.print(`internal error in call ${callId}: ${inspect(error)}`);
      }
      answerProblem(response, toProblem(error), callId);
    }
  }

  /** The whole way of a request. */
  async #accept(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { platform, store, limits, proxies, env, now, random } = this.#services;
    const target = parseAsyncTarget(request.url!);
    if (target === undefined) throw unknownRoute(request);
    if (request.method === "TRACE") throw traceRefused();
    const endpoints = platform.endpoints(target.name);
    if (endpoints === undefined) throw unknownFunction(target.name);
    const fields = readFields(request, { authority: target.authority, proxies });
    const caller = this.#callerOf(request, endpoints, fields);
    checkVersion(endpoints, target);
    refusePreflight(request);
    const { rest: query, options } = chosenOptions(target, fields);
    const hasCallbacks = Boolean(env.SKIFF_CALLBACK_SECRET);
    // Before the body, which may be long. The time of the call counts from its end.
    const { retry } = endpoints;
    readOptions(options, { now: now(), retry, hasCallbacks });
    const hash = createHash("sha256");
    const body = await readBody(request, { bodies: store.bodies, limits, hash });
    const acceptedAt = now();
    const isContinued = fields.traceparent !== undefined && isTraceparent(fields.traceparent);
    const call: NewCall = {
      id: newCallId(acceptedAt, random),
      queue: `fn/${target.name}`,
      target: { function: target.name, version: target.version },
      request: { method: request.method!, path: target.path + query, headers: fields.forFunction, body },
      ...readOptions(options, { now: acceptedAt, retry, hasCallbacks }),
      origin: { kind: "api" },
      acceptedAt,
      by: caller.by,
      keyId: caller.keyId,
      traceparent: isContinued ? fields.traceparent : newTraceparent(),
      tracestate: isContinued ? fields.tracestate : undefined,
      idempotency: idempotencyOf(target, {
        caller,
        key: fields.idempotencyKey,
        parts: [
          request.method!,
          target.path + query,
          request.headers["content-type"] ?? "",
          options,
          hash.digest("hex"),
        ],
      }),
      keepsRecord: true,
    };
    const [outcome] = await store.calls.enqueue([call], { now: acceptedAt, mostLive: limits.queuedCalls });
    if ("refused" in outcome!)
      throw outcome.refused === "full" ? queueFull(target.name, limits.queuedCalls) : keyReused();
    acknowledge(response, { id: outcome!.id, isNew: outcome!.isNew, traceparent: call.traceparent! });
  }

  #callerOf(
    request: IncomingMessage,
    { name, access = "public" }: Endpoints,
    fields: RequestFields,
  ): Principal {
    const isInternal = access === "internal";
    const asked = {
      what: `"${name}"`,
      function: name,
      needsKey: access !== "public",
      admitsLocal: isInternal,
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

function checkVersion(endpoints: Endpoints, { version }: AsyncTarget): void {
  if (version === undefined || endpoints.versions.some((each) => each.version === version)) return;
  throw unknownVersion(endpoints, version);
}

/** The function grants nothing at this time, so pages of other origins get what needs no grant. */
function refusePreflight({ method, headers }: IncomingMessage): void {
  if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return;
  const detail =
    "Pages of other origins cannot make asynchronous calls that browsers ask about first: call from a page of this origin or from a program.";
  throw new Problem("forbidden", detail);
}

/** Options in headers leave the whole query to the function. */
function chosenOptions(
  { query }: AsyncTarget,
  { options }: RequestFields,
): { readonly rest: string; readonly options: OptionTexts } {
  return options.size > 0 || query === "" ? { rest: query, options } : takeOptions(query);
}

interface Repeatable {
  readonly caller: Principal;
  readonly key: string | undefined;
  /** What must be equal in a repeated request. */
  readonly parts: readonly (string | OptionTexts)[];
}

function idempotencyOf(
  { name, version }: AsyncTarget,
  { caller, key, parts }: Repeatable,
): Idempotency | undefined {
  if (key === undefined) return undefined;
  if (key === "" || key.length > MOST_IDEMPOTENCY_KEY) {
    const detail = `The Idempotency-Key has ${key.length} characters: use 1 to ${MOST_IDEMPOTENCY_KEY}.`;
    throw new Problem("invalid_request", detail);
  }
  const texts = parts.map((part) => (typeof part === "string" ? part : [...part].sort()));
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([version, ...texts]))
    .digest("hex");
  return { scope: `fn/${name}${caller.keyId === undefined ? "" : ` ${caller.keyId}`}`, key, fingerprint };
}

interface Accepted {
  readonly id: string;
  readonly isNew: boolean;
  readonly traceparent: string;
}

function acknowledge(response: ServerResponse, { id, isNew, traceparent }: Accepted): void {
  const url = `/call/${id}`;
  const body = `${JSON.stringify({ id, url, state: "waiting" })}\n`;
  response
    .writeHead(202, {
      "content-type": "application/json; charset=utf-8",
      "content-length": body.length,
      "cache-control": "no-store",
      location: url,
      "x-skiff-call-id": id,
      traceparent,
      ...(isNew ? {} : { "idempotency-replayed": "true" }),
    })
    .end(body);
}

function queueFull(name: string, most: number): Problem {
  const limit = `${most} asynchronous calls of "${name}" wait (SKIFF_MAX_QUEUED)`;
  const detail = `${limit}: try again later, or raise its max or concurrency.`;
  return new Problem("too_many_waiting", detail, { retryAfterS: 5, setting: "SKIFF_MAX_QUEUED" });
}

function keyReused(): Problem {
  const detail = "Another request had this Idempotency-Key: use a new key, or repeat that request as it was.";
  return new Problem("idempotency_key_reused", detail);
}

function unknownRoute({ method, url = "" }: IncomingMessage): Problem {
  const detail = `Nothing is served at ${method} ${url.slice(0, 80)}: asynchronous calls go to /async/fn/NAME.`;
  return new Problem("unknown_route", detail);
}
