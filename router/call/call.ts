import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { CALL_ID_HEADER, WAIT_HEADER } from "../../client-image/start-message.ts";
import type { Callers, CallKey } from "../../http/access/caller.ts";
import { bodyTimeout, bodyTooLarge, uploadTimeout } from "../../http/request-problems.ts";
import type { CallTrace, Traces } from "../../http/traceparent.ts";
import type { Limits } from "../../platform/limits.ts";
import { PROBLEMS, Problem, type ProblemCode, unknownFunction } from "../../platform/problems.ts";
import type { LimitedLog } from "../../process/limited-log.ts";
import { answerRefused } from "../exchange/answer.ts";
import type { IncomingBody } from "../exchange/incoming-body.ts";
import * as problems from "../exchange/problems.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import type { ClientResponse } from "../exchange/response.ts";
import type { FunctionState, Functions } from "../placement/functions.ts";
import { type PlacedCall, Placement, type Timers } from "../placement/placement.ts";
import type { Gate } from "../quota/gate.ts";
import type { Gates } from "../quota/gates.ts";
import { passGates, rateLimitFields } from "../quota/rate-limit.ts";
import { type CallSpan, serverTiming } from "../telemetry/call-record.ts";
import type { UpstreamRequest } from "../upstream/connection.ts";
import type { InstanceClient } from "../upstream/instance-client.ts";
import { Probe } from "../upstream/probe.ts";
import { BadResponse } from "../upstream/response-fields.ts";
import { Tunnel } from "../websocket/tunnel.ts";
import { failedCall, tracedCall } from "./failed-call.ts";
import type { Relay, RelayOwner } from "./relay.ts";
import { type BodyOwner, RequestBody } from "./request-body.ts";

/** A request and the response to it, as a server hands them to the router. */
export interface CallInput {
  readonly request: PreparedRequest;
  readonly response: ClientResponse;
  /** The reason why the server refuses the request; undefined if it does not. */
  readonly problem?: Problem | undefined;
  /** Undefined if the request has none. */
  readonly body?: IncomingBody | undefined;
  /** Sends 100 Continue to a client that waits for it. */
  readonly sendContinue?: (() => void) | undefined;
  /** Set if the client asks to switch to a WebSocket. */
  readonly upgrade?: { readonly socket: Socket; readonly head: Buffer } | undefined;
}

/** Shared by all calls of a router. */
export interface CallContext {
  readonly limits: Limits;
  readonly callers: Callers;
  readonly failures: LimitedLog;
  readonly timers: Timers;
  readonly traces: Traces<CallSpan>;
  /** Calls are logged or traced. */
  readonly isRecorded: boolean;
  readonly isClosing: () => boolean;
  readonly forward: (call: Call, instance: InstanceClient) => void;
  /** Called once for each call, when its response has ended. */
  readonly finish: (call: Call) => void;
}

const NONE: readonly never[] = [];

/** One call from its arrival to the end of its response. */
export class Call implements PlacedCall, RelayOwner, BodyOwner {
  readonly id = randomUUID();
  readonly request: PreparedRequest;
  readonly response: ClientResponse;
  readonly input: CallInput;
  readonly placement: Placement;
  /** Set by the admission. */
  fn: FunctionState | undefined;
  /** Set by the admission if the caller sent a valid key. */
  key: CallKey | undefined;
  body: RequestBody | undefined;
  /** Passes the response back; undefined while no instance can have begun to run the call. */
  relay: Relay | undefined;
  trace: CallTrace<CallSpan> | undefined;
  /** The problem with which Skiff answered, or broke the response off. */
  code: ProblemCode | undefined;
  tunnel: Tunnel | undefined;
  /** It passed the admission, and counts. */
  isAdmitted = false;
  /** Bytes that the connection had sent and received before the call. */
  readonly sentBefore: number;
  readonly receivedBefore: number;
  readonly #context: CallContext;
  /** The quotas that the call counts against. */
  #gates: readonly Gate[] = NONE;
  #reservation: Probe | undefined;
  #isReserved = false;
  #isUploading = false;
  #isContinued = false;
  #isLastChance = false;

  constructor(context: CallContext, input: CallInput) {
    this.#context = context;
    this.input = input;
    this.request = input.request;
    this.response = input.response;
    this.placement = new Placement(this, context.limits, context.timers);
    const { socket } = this.request.head;
    this.sentBefore = context.isRecorded ? socket.bytesWritten : 0;
    this.receivedBefore = context.isRecorded ? socket.bytesRead - (input.upgrade?.head.length ?? 0) : 0;
    this.response.onClose(() => context.finish(this));
  }

  get limits(): Limits {
    return this.#context.limits;
  }

  /** The call in the form that its instance gets. */
  get outgoing(): UpstreamRequest {
    const { request, body, id, input } = this;
    this.trace ??= this.#context.traces.begin(request, this.placement.arrivedMs);
    const { waitInsideMs } = this.placement;
    const wait = waitInsideMs === 0 ? "" : `${WAIT_HEADER}: ${Math.floor(waitInsideMs)}\r\n`;
    const isUpgrade = input.upgrade !== undefined;
    const last = this.placement.served!.isOnce ? "connection: close\r\n" : "";
    const connection = isUpgrade ? "connection: Upgrade\r\nupgrade: websocket\r\n" : last;
    const text = `${request.text}${CALL_ID_HEADER}: ${id}\r\n${this.trace.lines}${wait}${connection}`;
    return { method: request.head.method!, text, body, isUpgrade };
  }

  /** Finds the function that takes the call. */
  find(functions: Functions): Problem | undefined {
    const { target, head } = this.request;
    if (!target?.name) return problems.noFunction(head.url ?? "", this.input.upgrade !== undefined);
    this.fn = functions.get(target.name);
    if (this.fn === undefined) return unknownFunction(target.name);
    return undefined;
  }

  /** Chooses the version that takes the call. Who may not call the function learns nothing of its versions. */
  choose(): Problem | undefined {
    this.placement.fn = this.fn;
    this.placement.request = this.request;
    this.placement.version = this.fn!.choose(this.request);
    return undefined;
  }

  /** Lets the call pass if the quotas of its function and its key do. */
  admit(gates: Gates): Problem | undefined {
    const { fn, key, placement } = this;
    if (fn!.gate !== undefined || key?.quota !== undefined) {
      this.#gates = gates.on(fn!.gate, key, placement.arrivedMs);
      const problem = passGates(this.#gates, placement.arrivedMs);
      if (problem !== undefined) return problem;
    }
    this.isAdmitted = true;
    return undefined;
  }

  /** Lets the call pass if its caller may call the function. */
  authorize(): Problem | undefined {
    const { name, access } = this.fn!;
    const { key: text, client, head } = this.request;
    if (access === undefined && text === undefined) return undefined;
    const address = client?.address ?? head.socket.remoteAddress ?? "unknown";
    const { key, isSkiff = false, problem } = this.#context.callers.check({ name, access, text, address });
    this.key = key;
    this.placement.isPatient = isSkiff;
    return problem;
  }

  get isForwarded(): boolean {
    return this.relay !== undefined;
  }

  get isForeign(): boolean {
    return this.placement.served!.isForeign;
  }

  get quotaFields(): readonly string[] {
    return this.#gates.length === 0 ? NONE : rateLimitFields(this.#gates, new Date());
  }

  /** Prepares the body of the request, if it has one, to be sent on. */
  takeBody(): Problem | undefined {
    const { body } = this.input;
    if (body === undefined) return undefined;
    if (body.length !== undefined && body.length > this.bodyLimit) return bodyTooLarge(this.limits);
    this.body = new RequestBody(body, this);
    return undefined;
  }

  get bodyLimit(): number {
    return this.limits.callBodyBytes;
  }

  get connection(): string | undefined {
    return this.request.head.headers.connection;
  }

  bodyStarted(): void {
    if (!this.#isUploading) this.placement.limit(this.limits.uploadMs);
    this.#isUploading = true;
  }

  bodyEnded(): void {
    this.placement.limit(Infinity);
  }

  bodyTooLarge(): void {
    this.#breakOff(bodyTooLarge(this.limits));
  }

  bodyBroken(reason: string): void {
    this.#breakOff(problems.notHttp(reason));
  }

  forward(instance: InstanceClient): void {
    this.#context.forward(this, instance);
  }

  /**
   * Starts to reserve a place if the body cannot be sent twice, or if the instance takes one call in its life: it may end
   * after the call of another router while this one arrives. The call is forwarded when it has a place.
   */
  reserves(instance: InstanceClient): boolean {
    const isRepeatable = this.body?.isRepeatable ?? true;
    if (this.#isReserved || instance.isForeign || (isRepeatable && !instance.isOnce)) return false;
    const probe = new Probe((result) => {
      this.#reservation = undefined;
      if (probe.isStarted) instance.spend();
      if (result === "busy") this.busy();
      else if (result === "none") this.placement.retry();
      else {
        this.#isReserved = true;
        this.forward(this.placement.served!);
      }
    });
    this.#reservation = probe;
    instance.reserve(this.id, this.placement.waitInsideMs, probe);
    return true;
  }

  /** Sends 100 Continue, once, to a client that waits for it. */
  continue(): void {
    if (this.#isContinued) return;
    this.#isContinued = true;
    this.input.sendContinue?.();
  }

  accepted(): void {
    this.body?.accepted();
  }

  busy(): void {
    this.relay = undefined;
    // The reserved place is lost, and the body cannot be sent twice.
    if (this.#isReserved && this.body?.isRepeatable === false) this.refuse(problems.noInstance(this.limits));
    else {
      this.#isReserved = false;
      this.placement.busy();
    }
  }

  timing(): string | undefined {
    const { isCold, version, elapsedMs } = this.placement;
    const steps = isCold ? version!.wakeSteps : [];
    return steps.length === 0 ? undefined : serverTiming(steps, elapsedMs);
  }

  streamStarted(): void {
    const { placement, relay, limits } = this;
    placement.becomeStream();
    placement.arm(limits.streamIdleMs);
    if (relay?.isWebSocket) this.#switchProtocols(relay);
  }

  progressed(): void {
    if (this.placement.phase !== "waiting") this.placement.rearm();
  }

  responseEnded(): void {
    this.placement.phase = "ended";
    if (this.#context.isClosing()) this.response.shouldKeepAlive = false;
    this.placement.release();
  }

  failed(error: Error, isStarted: boolean): void {
    const { placement, response, relay, limits } = this;
    if (placement.phase === "ended") return;
    const isDraining = error instanceof Problem;
    if (!isDraining && (this.tunnel !== undefined || (placement.isLeaving && relay?.isEventStream))) {
      // A WebSocket ends with its instance. The client of an event stream reconnects to the successor.
      placement.release();
      placement.phase = "ended";
      response.end();
    } else if (isDraining) {
      // The router is closing and broke its connections off with this problem.
      this.refuse(error);
    } else if (isStarted) {
      if (!(error instanceof BadResponse)) placement.doubt();
      this.refuse(problems.instanceFailed(error, limits, response.headersSent));
    } else {
      this.#isReserved = false;
      this.relay = undefined;
      placement.retry();
    }
  }

  /** Answers with a problem document, or breaks the connection off if a response has begun. */
  refuse(problem: Problem): void {
    const { response, relay } = this;
    const { failures, isClosing } = this.#context;
    this.code = problem.code;
    this.end();
    if (problem.status >= 500) {
      const { method, url } = this.request.head;
      const what = `${method} ${url?.slice(0, 200)}${this.input.upgrade === undefined ? "" : " (WebSocket)"}`;
      failures.print(`${what} failed: ${problem.status} ${problem.message} (call ${this.id})`);
    }
    if (response.destroyed) return;
    if (response.headersSent) {
      if (problem.code === "draining" && relay?.isEventStream) response.end();
      else response.truncate();
      return;
    }
    if (isClosing()) response.shouldKeepAlive = false;
    answerRefused(this, problem);
  }

  timedOut(): void {
    const { placement, body, limits } = this;
    const { timeoutMs } = placement.version!;
    if (placement.isOverdue) {
      this.refuse(uploadTimeout(limits));
      return;
    }
    if (placement.phase === "forwarding") {
      // Until a place is reserved, the body waits for Skiff.
      const isSending = body !== undefined && this.#reservation === undefined && !body.isStalled;
      const isClient = isSending && !body.isComplete;
      this.refuse(isClient ? bodyTimeout(timeoutMs) : problems.callTimeout(timeoutMs));
    } else if (placement.phase === "streaming" || this.#isLastChance) {
      this.refuse(problems.streamIdle(limits));
    } else {
      // The instance is done; the client gets the same time once more for the rest.
      this.#isLastChance = true;
      placement.arm(limits.streamIdleMs);
    }
  }

  /** Ends the instance's part of the call and releases its place. */
  end(): void {
    const { placement, relay, tunnel, body } = this;
    const { hasPlace, phase, served } = placement;
    placement.release();
    placement.phase = "ended";
    if (tunnel !== undefined) tunnel.end();
    else if (hasPlace) {
      relay?.abort();
      this.#reservation?.abort();
      // An instance with one call in its life ends with it, however far it has come.
      if (served!.isOnce || (body !== undefined && phase === "forwarding")) served!.endCall(this.id);
    }
    body?.stop();
  }

  /** Counts the call, whose response has ended, and ends the rest of it. */
  finish(): void {
    const { placement, response, fn, code, tunnel } = this;
    placement.disarm();
    if (placement.phase !== "ended") this.end();
    if (fn === undefined) return;
    if (code !== undefined) {
      fn.counters.countRefusal(code);
      if (!this.isAdmitted) fn.countRefused();
    }
    const durationMs = placement.elapsedMs;
    if (this.isAdmitted) {
      for (const gate of this.#gates) gate.leave();
      this.#countUse(durationMs);
    }
    // A WebSocket was counted when it opened.
    if (tunnel !== undefined) return;
    if (response.writableFinished) {
      placement.version?.counter.count(response.statusCode);
      fn.counters.countDuration(durationMs);
    } else fn.counters.abandoned++;
  }

  #countUse(durationMs: number): void {
    const { placement, response, code, key } = this;
    const { version, served, waitedMs } = placement;
    const status = code === undefined ? response.statusCode : PROBLEMS[code].status;
    // Without a code the client has left before the end.
    const isError = status >= 500 && (code !== undefined || response.writableFinished);
    const instanceMs = served === undefined ? 0 : durationMs - waitedMs;
    const { bytesSent: bytesOut } = response;
    version!.usage.count({ key: key?.id ?? "", isError, durationMs, instanceMs, bytesOut });
    if (isError) version!.usage.sheet.fail(failedCall(this, status, durationMs));
    if (isError || placement.isCold) version!.usage.sheet.trace(tracedCall(this, status, durationMs));
  }

  #switchProtocols(relay: Relay): void {
    const { socket: client, head } = this.input.upgrade!;
    const { streamIdleMs: idleMs } = this.limits;
    const onIdle = () => this.refuse(problems.streamIdle(this.limits));
    this.tunnel = new Tunnel({ client, upstream: relay.connection!, relay, head, idleMs, onIdle });
    // Behind the head of the response, which is written later in this turn.
    if (this.#context.isClosing()) setImmediate(() => this.tunnel?.goAway());
    // From here on the connection has a time limit of its own, in both directions.
    this.placement.disarm();
    this.placement.version!.counter.count(101);
    this.fn!.counters.countDuration(this.placement.elapsedMs);
  }

  #breakOff(problem: Problem): void {
    if (this.placement.phase !== "ended") this.refuse(problem);
  }
}
