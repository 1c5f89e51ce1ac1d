import { type IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "../../platform/problems.ts";
import { answerProblem } from "../exchange/answer.ts";
import * as problems from "../exchange/problems.ts";
import type { CallRequest } from "../exchange/request.ts";
import type { CallResponse } from "../exchange/response.ts";
import type { Target } from "../exchange/target.ts";
import { keptHead, outgoingHead } from "../headers/outgoing-head.ts";
import { renderFields } from "../headers/render-fields.ts";
import { PlacedCall } from "../placement/placement.ts";
import type { Route } from "../placement/version.ts";
import type { Backend } from "../upstream/instance.ts";
import { BadResponse } from "../upstream/response-fields.ts";
import type { CallContext } from "./call-context.ts";
import { Relay, type RelayOwner } from "./relay.ts";
import { discardBody, RequestBody } from "./request-body.ts";
import { serverTiming } from "./server-timing.ts";

export interface CallOptions {
  readonly request: CallRequest;
  readonly response: CallResponse;
  /** What a body is read from; undefined where there is none. */
  readonly incoming?: IncomingMessage;
  /** The client waits for 100 Continue before it sends the body. */
  readonly sendContinue?: (() => void) | undefined;
}

/** One call from its arrival to the end of its response: place → forward → finish. */
export class Call extends PlacedCall implements RelayOwner {
  readonly #context: CallContext;
  readonly #request: CallRequest;
  readonly #response: CallResponse;
  readonly #incoming: IncomingMessage | undefined;
  readonly #sendContinue: (() => void) | undefined;
  #head = "";
  #body: RequestBody | undefined;
  #relay: Relay | undefined;
  #refusal: Problem | undefined;
  #isLastChance = false;
  /** What its connection had sent before it came; counted for the access log alone. */
  #sentBefore = 0;

  constructor(context: CallContext, { request, response, incoming, sendContinue }: CallOptions) {
    super(context);
    this.#context = context;
    this.#request = request;
    this.#response = response;
    this.#incoming = incoming;
    this.#sendContinue = sendContinue;
    response.on("close", () => this.#finish());
    if (context.accessLog !== undefined) this.#sentBefore = request.socket.bytesWritten;
  }

  /** @throws Problem for what is known to be wrong before an instance is asked */
  start(target: Target, route: Route): void {
    const request = this.#request;
    this.route = route;
    const incoming = this.#incoming;
    if (incoming === undefined) request.again ??= keptHead(request, target);
    const outgoing = request.again ?? outgoingHead(request, target);
    this.#head = outgoing.text + renderFields(this.ownFields(outgoing));
    if (incoming !== undefined) this.#body = this.#bodyOf(incoming);
    this.place(route);
  }

  #bodyOf(incoming: IncomingMessage): RequestBody | undefined {
    const { "content-length": length, "transfer-encoding": coding } = incoming.headers;
    const { callBodyBytes: limitBytes, uploadMs: limitMs } = this.limits;
    if (length !== undefined && Number(length) > limitBytes) throw problems.bodyTooLarge(this.limits);
    if (coding === undefined && (length === undefined || length === "0")) return undefined;
    const onProgress = () => this.progressed();
    const onTooLarge = () => this.#breakOff(problems.bodyTooLarge(this.limits));
    const onTooLate = () => this.#breakOff(problems.uploadTimeout(this.limits));
    return new RequestBody(incoming, { limitBytes, limitMs, onProgress, onTooLarge, onTooLate });
  }

  protected override forward(backend: Backend): void {
    const body = this.#body;
    this.phase = "forwarding";
    // Also where there is no body to wait for: node closes the connection of a client that was not told.
    if (this.isFirstTry) this.#sendContinue?.();
    const relay = new Relay(this, this.#response, this.id);
    this.#relay = relay;
    const isChunked = body !== undefined && this.#incoming!.headers["content-length"] === undefined;
    const method = this.#request.method!;
    relay.connection = backend.pool.send({ method, head: this.#head, body, isChunked }, relay);
  }

  timing(): string | undefined {
    const steps = this.isCold ? this.route!.wakeSteps : [];
    return steps.length === 0 ? undefined : serverTiming(steps, this.elapsedMs);
  }

  streamStarted(): void {
    this.becomesStream();
    this.arm(this.limits.streamIdleMs);
  }

  progressed(): void {
    if (this.phase !== "waiting") this.rearm();
  }

  responseEnded(): void {
    this.phase = "ended";
    if (this.#context.isClosing()) this.#response.shouldKeepAlive = false;
    this.releaseSlot();
  }

  failed(error: Error, isStarted: boolean): void {
    if (this.phase === "ended") return;
    if (this.isLeaving && this.#relay?.isEventStream) {
      // An instance that was replaced has had its time; events go on at its successor.
      this.releaseSlot();
      this.phase = "ended";
      this.#response.end();
    } else if (error instanceof Problem) {
      // The router closes: its connections are broken off with this reason.
      this.refuse(error);
    } else if (isStarted) {
      if (!(error instanceof BadResponse)) this.doubtInstance();
      this.refuse(problems.instanceFailed(error, this.limits, this.#response.headersSent));
    } else this.retry();
  }

  /** Answers with a problem document, or breaks the connection off if a response has begun. */
  override refuse(problem: Problem): void {
    const { failures, isClosing } = this.#context;
    const request = this.#request;
    const response = this.#response;
    this.#refusal = problem;
    this.#endUpstream();
    if (problem.status >= 500) {
      const what = `${request.method} ${request.url?.slice(0, 200)}`;
      failures.print(`${what} failed: ${problem.status} ${problem.message} (call ${this.id})`);
    }
    if (response.destroyed) return;
    if (response.headersSent) {
      if (problem.code === "draining" && this.#relay?.isEventStream) response.end();
      else this.#truncate();
      return;
    }
    if (isClosing()) response.shouldKeepAlive = false;
    answerProblem(response, problem, this.id);
  }

  protected override silent(): void {
    const timeoutMs = this.route!.timeoutMs;
    if (this.phase === "forwarding") {
      const isClient = this.#body !== undefined && !this.#incoming!.complete && !this.#body.isStalled;
      this.refuse(isClient ? problems.bodyTimeout(timeoutMs) : problems.callTimeout(timeoutMs));
    } else if (this.phase === "streaming" || this.#isLastChance) {
      this.refuse(problems.streamIdle(this.limits));
    } else {
      // The instance is done; the client has some time to take what is left.
      this.#isLastChance = true;
      this.arm(this.limits.streamIdleMs);
    }
  }

  #breakOff(problem: Problem): void {
    if (this.phase !== "ended") this.refuse(problem);
  }

  /** The client must see that the response is not whole. */
  #truncate(): void {
    const response = this.#response;
    if (response instanceof ServerResponse && response.socket === null) {
      // Answers to requests before it are due on the connection.
      response.once("socket", () => this.#truncate());
      return;
    }
    const { socket, httpVersionMinor } = this.#request;
    // In HTTP/1.0 the end of the connection is the end of the body: only a reset tells the difference.
    if (httpVersionMinor === 0) socket.resetAndDestroy();
    else socket.destroy();
  }

  #endUpstream(): void {
    const hadSlot = this.hasSlot;
    this.releaseSlot();
    this.phase = "ended";
    if (hadSlot) this.#relay?.abort();
    this.#body?.destroy();
  }

  /** The response is out, or the client is gone: everything of the call ends here, exactly once. */
  #finish(): void {
    const request = this.#request;
    const response = this.#response;
    this.disarm();
    if (this.phase !== "ended") this.#endUpstream();
    const counters = this.route?.counters;
    const code = this.#refusal?.code;
    if (counters !== undefined) {
      if (response.writableFinished) {
        this.version!.count(response.statusCode);
        counters.countDuration(this.elapsedMs);
      } else counters.abandoned++;
      if (code !== undefined) counters.countRefusal(code);
    }
    if (this.isToldOf) {
      this.tellEnd({
        request,
        status: response.headersSent ? response.statusCode : 0,
        isAborted: !response.writableFinished,
        requestBytes: this.#body?.bytes ?? 0,
        responseBytes: request.socket.bytesWritten - this.#sentBefore,
        code,
      });
    }
    if (this.#incoming?.complete === false) discardBody(this.#incoming);
    this.#context.ended();
  }
}
