import { randomUUID } from "node:crypto";
import type { Limits } from "../../platform/limits.ts";
import { type Problem, toProblem } from "../../platform/problems.ts";
import type { Alarm, Alarmed } from "../call/alarm.ts";
import type { CallContext } from "../call/call-context.ts";
import * as problems from "../exchange/problems.ts";
import type { Outgoing } from "../exchange/request-head.ts";
import type { VersionCounter } from "../metrics/version-counters.ts";
import type { CallRecord } from "../telemetry/call-record.ts";
import type { CallSpan } from "../telemetry/call-span.ts";
import { isTraceparent } from "../telemetry/trace-context.ts";
import type { Backend } from "../upstream/instance.ts";
import type { Route, Waiter } from "./version.ts";

/** Pauses before a call is tried again after its instance refused the connection, in milliseconds. */
const RETRY_AFTER_MS: readonly number[] = [20, 100, 500];

/** How a call ended, as far as it is told of its connection. */
export type Ending = Pick<
  CallRecord,
  "request" | "status" | "isAborted" | "requestBytes" | "responseBytes" | "code"
>;

/** What a call and an upgrade have in common: one id, one timer, one slot of one instance. */
export abstract class PlacedCall implements Waiter, Alarmed {
  readonly id = randomUUID();
  protected readonly limits: Limits;
  readonly #context: CallContext;
  protected route: Route | undefined;
  /** It came when nothing was ready. */
  protected isCold = false;
  protected phase: "waiting" | "forwarding" | "streaming" | "ended" = "waiting";
  readonly arrivedMs = performance.now();
  #backend: Backend | undefined;
  /** The backend that has the call, or had it last. */
  #served: Backend | undefined;
  #isStream = false;
  #waitingSinceMs = 0;
  #waitedMs = 0;
  #traceparent: string | undefined;
  #span: CallSpan | undefined;
  #alarm: Alarm | undefined;
  /** The alarm is set to the end of the call's own time, not to that of its wait for an instance. */
  #hasItsOwnTime = true;
  #tries = 0;

  constructor(context: CallContext) {
    this.#context = context;
    this.limits = context.limits;
  }

  /** Sends the call to an instance whose slot it holds. */
  protected abstract forward(backend: Backend): void;
  /** Answers the call with a problem and ends it. */
  abstract refuse(problem: Problem): void;
  /** The timer went off while an instance had the call. */
  protected abstract silent(): void;

  /**
   * Gets the call a slot, now or when one is free, and forwards it then.
   * @throws Problem `too_many_waiting`
   */
  protected place(route: Route): void {
    this.route = route;
    const backend = route.take();
    if (backend !== undefined) {
      this.#got(backend);
      this.arm(this.isFirstTry ? route.timeoutMs : this.#remainingMs());
      this.forward(backend);
      return;
    }
    this.#waits();
    if (route.readyCount === 0) this.isCold = true;
    const { instanceWaitMs } = this.limits;
    const remainingMs = this.#remainingMs();
    this.#hasItsOwnTime = remainingMs <= instanceWaitMs;
    this.arm(Math.min(instanceWaitMs, remainingMs));
    route.wait(this);
  }

  placed(backend: Backend): void {
    this.#got(backend);
    this.arm(this.#remainingMs());
    // Not at once: this may run inside the end of another call, in the middle of the parser.
    process.nextTick(forwardPlaced, this);
  }

  refused(problem: Problem): void {
    this.refuse(problem);
  }

  /** For the next tick after `placed`. */
  forwardPlaced(): void {
    const backend = this.#backend;
    if (backend !== undefined && this.phase === "waiting") this.forward(backend);
  }

  /** The instance broke the call off, as one does that ends. */
  protected doubtInstance(): void {
    if (this.#backend !== undefined) this.route!.doubt(this.#backend);
  }

  /** No byte of the call can have reached an instance: another one, or the same one later, may take it. */
  protected retry(): void {
    const pauseMs = RETRY_AFTER_MS[this.#tries++];
    if (pauseMs === undefined) {
      this.refuse(problems.notAccepted(this.#tries));
      return;
    }
    this.route!.counters.retries++;
    this.#backend?.setAside();
    this.releaseSlot();
    this.#waits();
    setTimeout(again, this.route!.readyCount > 1 ? 0 : pauseMs, this);
  }

  /** For the timer of `retry`. */
  placeAgain(): void {
    if (this.phase !== "waiting") return;
    try {
      this.place(this.route!);
    } catch (error) {
      this.refuse(toProblem(error));
    }
  }

  /** The fields that its instance gets of this call alone, names and values in turn. Begins its part of the trace. */
  protected ownFields({ traceparent, tracestate }: Pick<Outgoing, "traceparent" | "tracestate">): string[] {
    const { tracer, traceIds } = this.#context;
    const parent = checked(traceparent);
    this.#span = tracer?.begin(parent, this.elapsedMs);
    this.#traceparent = this.#span?.traceparent ?? parent ?? traceIds.next();
    const fields = ["x-skiff-call-id", this.id, "traceparent", this.#traceparent];
    if (parent !== undefined && tracestate !== undefined) fields.push("tracestate", tracestate);
    return fields;
  }

  /** Where the answer is counted; undefined while no function is known. */
  protected get version(): VersionCounter | undefined {
    return this.#served?.version ?? this.route?.current;
  }

  /** Somebody wants to know how calls end: `tellEnd` is for nothing otherwise. */
  protected get isToldOf(): boolean {
    return this.#context.accessLog !== undefined || this.#context.tracer !== undefined;
  }

  /** Writes down how it ended. */
  protected tellEnd(ending: Ending): void {
    const { accessLog, tracer } = this.#context;
    this.#stopsWaiting();
    const durationMs = this.elapsedMs;
    const traceparent = this.#traceparent ?? checked(ending.request.headers.traceparent);
    const call: CallRecord = {
      ...ending,
      id: this.id,
      functionName: this.route?.name,
      version: this.#served?.version.version,
      instance: this.#served?.instance.id,
      durationMs,
      waitedMs: this.#waitedMs,
      isCold: this.isCold,
      wakeSteps: this.isCold ? this.route!.wakeSteps : [],
      retries: this.#tries,
      traceparent,
    };
    accessLog?.write(call);
    // Refused before it was known where it goes, it has no span yet.
    (this.#span ?? tracer?.begin(traceparent, durationMs))?.end(call);
  }

  protected get hasSlot(): boolean {
    return this.#backend !== undefined;
  }

  /** Its instance gets no new calls any more. */
  protected get isLeaving(): boolean {
    return this.#backend !== undefined && this.route!.isLeaving(this.#backend);
  }

  protected get isFirstTry(): boolean {
    return this.#tries === 0;
  }

  protected get elapsedMs(): number {
    return performance.now() - this.arrivedMs;
  }

  /** Leaves the queue, or gives the slot back; the second time there is none to give. */
  protected releaseSlot(): void {
    const backend = this.#backend;
    if (backend === undefined) {
      this.#stopsWaiting();
      if (this.phase === "waiting") this.route?.leave(this);
      return;
    }
    this.#backend = undefined;
    if (this.#isStream) backend.streams--;
    this.#isStream = false;
    this.route!.release(backend);
  }

  /** The response has begun and goes on. */
  protected becomesStream(): void {
    this.phase = "streaming";
    if (this.#backend === undefined || this.#isStream) return;
    this.#isStream = true;
    this.#backend.streams++;
  }

  /** Sets the call's one timer anew. */
  protected arm(delayMs: number): void {
    this.#alarm ??= this.#context.alarms.take(this);
    this.#alarm.set(delayMs);
  }

  protected rearm(): void {
    this.#alarm?.restart();
  }

  protected disarm(): void {
    if (this.#alarm !== undefined) this.#context.alarms.giveBack(this.#alarm);
    this.#alarm = undefined;
  }

  /** For the call's alarm. */
  timeUp(): void {
    if (this.phase !== "waiting") {
      this.silent();
      return;
    }
    const timeoutMs = this.route!.timeoutMs;
    this.refuse(this.#hasItsOwnTime ? problems.callTimeout(timeoutMs) : problems.noInstance(this.limits));
  }

  #got(backend: Backend): void {
    this.#hasItsOwnTime = true;
    this.#stopsWaiting();
    this.#backend = backend;
    this.#served = backend;
  }

  #waits(): void {
    this.phase = "waiting";
    if (this.#waitingSinceMs === 0) this.#waitingSinceMs = performance.now();
  }

  #stopsWaiting(): void {
    if (this.#waitingSinceMs === 0) return;
    const waitedMs = performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = 0;
    this.#waitedMs += waitedMs;
    this.route!.counters.waitedMs += waitedMs;
  }

  #remainingMs(): number {
    return Math.max(1, this.route!.timeoutMs - this.elapsedMs);
  }
}

/** A field that begins no trace of its own: undefined if there is none, or it is not valid. */
function checked(traceparent: string | string[] | undefined): string | undefined {
  return typeof traceparent === "string" && isTraceparent(traceparent) ? traceparent : undefined;
}

function forwardPlaced(call: PlacedCall): void {
  call.forwardPlaced();
}

function again(call: PlacedCall): void {
  call.placeAgain();
}
