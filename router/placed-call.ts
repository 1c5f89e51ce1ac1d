import { randomUUID } from "node:crypto";
import type { Limits } from "../platform/limits.ts";
import { type Problem, toProblem } from "../platform/problems.ts";
import type { Backend } from "./backend.ts";
import * as problems from "./call-problems.ts";
import type { Route, Waiter } from "./route.ts";

/** Pauses before a call is tried again after its instance refused the connection, in milliseconds. */
const RETRY_AFTER_MS: readonly number[] = [20, 100, 500];

/** What a call and an upgrade have in common: one id, one timer, one slot of one instance. */
export abstract class PlacedCall implements Waiter {
  readonly id = randomUUID();
  protected readonly limits: Limits;
  protected route: Route | undefined;
  /** It came when nothing was ready. */
  protected isCold = false;
  protected phase: "waiting" | "forwarding" | "streaming" | "ended" = "waiting";
  readonly #startedMs = performance.now();
  #backend: Backend | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tries = 0;

  constructor(limits: Limits) {
    this.limits = limits;
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
      this.#backend = backend;
      this.arm(this.#remainingMs());
      this.forward(backend);
      return;
    }
    this.phase = "waiting";
    if (route.readyCount === 0) this.isCold = true;
    this.arm(Math.min(this.limits.instanceWaitMs, this.#remainingMs()));
    route.wait(this);
  }

  placed(backend: Backend): void {
    this.#backend = backend;
    this.arm(this.#remainingMs());
    // Not at once: this may run inside the end of another call, in the middle of undici's parser.
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

  /** No byte of the call can have reached an instance: another one, or the same one later, may take it. */
  protected retry(): void {
    const pauseMs = RETRY_AFTER_MS[this.#tries++];
    if (pauseMs === undefined) {
      this.refuse(problems.notAccepted(this.#tries));
      return;
    }
    this.#backend?.setAside();
    this.releaseSlot();
    this.phase = "waiting";
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

  protected get hasSlot(): boolean {
    return this.#backend !== undefined;
  }

  protected get isFirstTry(): boolean {
    return this.#tries === 0;
  }

  protected get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Leaves the queue, or gives the slot back; the second time there is none to give. */
  protected releaseSlot(): void {
    const backend = this.#backend;
    if (backend === undefined) {
      if (this.phase === "waiting") this.route?.leave(this);
      return;
    }
    this.#backend = undefined;
    this.route!.release(backend);
  }

  /** Sets the call's one timer anew. */
  protected arm(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(timeUp, delayMs, this);
  }

  protected rearm(): void {
    this.#timer?.refresh();
  }

  protected disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** For the call's timer. */
  timeUp(): void {
    if (this.phase !== "waiting") {
      this.silent();
      return;
    }
    const timeoutMs = this.route!.timeoutMs;
    const isOver = this.#remainingMs() <= 1;
    this.refuse(isOver ? problems.callTimeout(timeoutMs) : problems.noInstance(this.limits));
  }

  #remainingMs(): number {
    return Math.max(1, this.route!.timeoutMs - this.elapsedMs);
  }
}

function forwardPlaced(call: PlacedCall): void {
  call.forwardPlaced();
}

function again(call: PlacedCall): void {
  call.placeAgain();
}

function timeUp(call: PlacedCall): void {
  call.timeUp();
}
