import type { Limits } from "../../platform/limits.ts";
import { type Problem, toProblem } from "../../platform/problems.ts";
import * as problems from "../exchange/problems.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import type { InstanceClient } from "../upstream/instance-client.ts";
import type { FunctionState } from "./functions.ts";
import type { VersionState, Waiter } from "./version.ts";

/** Retries without a pause after refused connections: each is on another instance, or waits for one. */
const QUICK_RETRIES = 8;
const RETRY_PAUSE_MS = 100;
/** Time that a call waits inside an instance before the router tries the others again, in milliseconds. */
const WAIT_INSIDE_MS = 1_000;
/** Pause before a retry on an instance that did not let the call wait, in milliseconds. */
const REFUSED_AGAIN_MS = 100;

/** The call that a placement belongs to. */
export interface PlacedCall {
  /** Sends the call to an instance on which it has a place. */
  forward(instance: InstanceClient): void;
  /** Answers the call with a problem and ends it. */
  refuse(problem: Problem): void;
  /** The timer fired while an instance had the call. */
  timedOut(): void;
}

/** One call's wait for an instance, its place on it, and its one timer. */
export class Placement implements Waiter {
  readonly arrivedMs = performance.now();
  /** Its timeout counts from when it has an instance, that of others from their arrival. */
  isPatient = false;
  phase: "waiting" | "forwarding" | "streaming" | "ended" = "waiting";
  /** The call arrived when no instance was ready. */
  isCold = false;
  /** Retries after refused connections. */
  retries = 0;
  /** Time that the call waited for an instance, in milliseconds. */
  waitedMs = 0;
  /** The function that the call is for; set before `acquire`. */
  fn: FunctionState | undefined;
  /** Decides, with the traffic, which version takes the call. */
  request: PreparedRequest | undefined;
  version: VersionState | undefined;
  /** The instance that has the call, or had it last. */
  served: InstanceClient | undefined;
  /** The longest wait inside the instance, in milliseconds; 0 if it is to refuse the call at once. */
  waitInsideMs = 0;
  readonly #call: PlacedCall;
  readonly #limits: Limits;
  readonly #timers: Timers;
  #instance: InstanceClient | undefined;
  #isStream = false;
  #waitingSinceMs = 0;
  /** When the timeout began. */
  #timedSinceMs = this.arrivedMs;
  /** Instances that had no place for the call since it was placed first. */
  #busy: InstanceClient[] | undefined;
  #busySinceMs = 0;
  #insideSinceMs = 0;
  #timer: Timer | undefined;
  /** The timer is set to the call's timeout, not to the limit of its wait for an instance. */
  #isTimeout = true;
  /** Delay of the timer as it was set last, in milliseconds. */
  #delayMs = 0;
  /** Progress does not extend it: a byte now and then would hold a place of the instance without end. */
  #deadlineMs = Infinity;
  /** The timer is set to the deadline. */
  #isDeadline = false;
  #isDisarmed = false;

  constructor(call: PlacedCall, limits: Limits, timers: Timers) {
    this.#call = call;
    this.#limits = limits;
    this.#timers = timers;
  }

  /**
   * Forwards the call when it has a place on an instance of the version, now or later.
   * @throws Problem `too_many_waiting`
   */
  acquire(version: VersionState): void {
    this.version = version;
    const instance = version.claim();
    if (instance !== undefined) {
      this.#placeOn(instance);
      const isFirst = this.retries === 0 && this.waitedMs === 0;
      this.arm(isFirst ? version.timeoutMs : this.#remainingMs());
      this.#call.forward(instance);
      return;
    }
    if (version.isOnce && this.retries === 0 && this.waitedMs === 0) version.counters.poolMisses++;
    this.#startWaiting();
    if (version.readyCount === 0) this.isCold = true;
    const waitMs = Math.max(1, this.#limits.instanceWaitMs - this.waitedMs);
    const remainingMs = this.isPatient ? Infinity : this.#remainingMs();
    this.#isTimeout = remainingMs <= waitMs;
    this.arm(Math.min(waitMs, remainingMs));
    version.wait(this);
  }

  placed(instance: InstanceClient): void {
    this.#placeOn(instance);
    this.arm(this.#remainingMs());
    // In the next tick: the caller may be in the end of another call, inside the parser.
    process.nextTick(() => this.#forwardPlaced());
  }

  refused(problem: Problem): void {
    this.#call.refuse(problem);
  }

  /** Places the call again, on the version that takes calls now. */
  moved(): void {
    this.#busy = undefined;
    this.waitInsideMs = 0;
    try {
      this.acquire(this.fn!.choose(this.request));
    } catch (error) {
      this.#call.refuse(toProblem(error));
    }
  }

  /** Holds further calls back from the instance that did not take this one, or broke it off. */
  doubt(): void {
    if (this.#instance !== undefined) this.version!.doubt(this.#instance);
  }

  /** Places the call again, on any instance: no byte of it can have reached one. */
  retry(): void {
    if (this.waitedMs >= this.#limits.instanceWaitMs) {
      this.#call.refuse(problems.noInstance(this.#limits));
      return;
    }
    this.version!.counters.retries++;
    this.doubt();
    this.release();
    this.#startWaiting();
    const pauseMs = this.retries++ < QUICK_RETRIES ? 0 : RETRY_PAUSE_MS;
    setTimeout(() => this.phase === "waiting" && this.moved(), pauseMs);
  }

  /**
   * Places a call that its instance has no place for, because other routers use them all. Another instance
   * may have one; if none has, the call waits inside this one, in order of arrival.
   */
  busy(): void {
    const instance = this.#instance!;
    if (instance.isOnce) {
      this.#placeElsewhere(instance);
      return;
    }
    const nowMs = performance.now();
    if (this.#busy === undefined) this.#busySinceMs = nowMs;
    const waitMs = this.#limits.instanceWaitMs - (nowMs - this.#busySinceMs);
    const leftMs = this.isPatient ? waitMs : Math.min(waitMs, this.#remainingMs());
    if (leftMs < 1) {
      this.#call.refuse(problems.noInstance(this.#limits));
      return;
    }
    // After a wait inside, every instance may have a place again.
    this.#busy = this.waitInsideMs > 0 ? [instance] : [...(this.#busy ?? []), instance];
    const isEarly = this.waitInsideMs > 0 && nowMs - this.#insideSinceMs < this.waitInsideMs / 2;
    const other = this.version!.exchange(instance, this.#busy);
    this.waitInsideMs = other === undefined ? Math.min(WAIT_INSIDE_MS, leftMs) : 0;
    this.#instance = other ?? instance;
    this.served = this.#instance;
    this.phase = "waiting";
    this.#insideSinceMs = nowMs;
    if (this.isPatient) {
      this.#timedSinceMs = nowMs + this.waitInsideMs;
      this.arm(this.#remainingMs());
    }
    if (isEarly) setTimeout(() => this.#forwardPlaced(), REFUSED_AGAIN_MS);
    else process.nextTick(() => this.#forwardPlaced());
  }

  /** Another router has used the instance for the one call of its life. */
  #placeElsewhere(instance: InstanceClient): void {
    instance.spend();
    this.release();
    this.#startWaiting();
    process.nextTick(() => this.phase === "waiting" && this.moved());
  }

  get hasPlace(): boolean {
    return this.#instance !== undefined;
  }

  /** The instance that has the call was replaced and gets no new calls. One with one call in its life never gets one. */
  get isLeaving(): boolean {
    const instance = this.#instance;
    return instance !== undefined && !instance.isOnce && this.version!.isLeaving(instance);
  }

  get elapsedMs(): number {
    return performance.now() - this.arrivedMs;
  }

  /** Leaves the queue or releases the place. Further calls have no effect. */
  release(): void {
    const instance = this.#instance;
    this.#endWaiting();
    if (instance === undefined) {
      if (this.phase === "waiting") this.version?.leave(this);
      return;
    }
    this.#instance = undefined;
    if (this.#isStream) instance.streams--;
    this.#isStream = false;
    this.version!.release(instance);
  }

  /** Marks the call as a stream: its response has begun and is incomplete. */
  becomeStream(): void {
    this.phase = "streaming";
    if (this.#instance === undefined || this.#isStream) return;
    this.#isStream = true;
    this.#instance.streams++;
  }

  /** Sets the call's one timer anew. */
  arm(delayMs: number): void {
    if (this.#isDisarmed) return;
    this.#timer ??= this.#timers.take(this);
    this.#delayMs = delayMs;
    const mostMs = this.#deadlineMs === Infinity ? delayMs : this.#deadlineMs - performance.now();
    this.#isDeadline = mostMs < delayMs;
    this.#timer.set(this.#isDeadline ? Math.max(1, mostMs) : delayMs);
  }

  /** Restarts the timer with the same delay. */
  rearm(): void {
    if (this.#deadlineMs !== Infinity) this.arm(this.#delayMs);
    else this.#timer?.restart();
  }

  /** Lets the timer fire in `withinMs` at the latest, however it is set from now on; Infinity ends that. */
  limit(withinMs: number): void {
    this.#deadlineMs = performance.now() + withinMs;
    this.arm(this.#delayMs);
  }

  /** Whether the timer that fires is that of the limit. */
  get isOverdue(): boolean {
    return this.#isDeadline;
  }

  /** Gives the timer back, for good: the rest of a body may still arrive after the call. */
  disarm(): void {
    this.#isDisarmed = true;
    if (this.#timer !== undefined) this.#timers.giveBack(this.#timer);
    this.#timer = undefined;
  }

  timedOut(): void {
    if (this.phase !== "waiting" || this.isOverdue) this.#call.timedOut();
    else if (this.#isTimeout) this.#call.refuse(problems.callTimeout(this.version!.timeoutMs));
    else this.#call.refuse(problems.noInstance(this.#limits));
  }

  #forwardPlaced(): void {
    const instance = this.#instance;
    if (instance !== undefined && this.phase === "waiting") this.#call.forward(instance);
  }

  #placeOn(instance: InstanceClient): void {
    this.#isTimeout = true;
    if (this.isPatient) this.#timedSinceMs = performance.now();
    this.#endWaiting();
    this.#instance = instance;
    this.served = instance;
  }

  #startWaiting(): void {
    this.phase = "waiting";
    if (this.#waitingSinceMs === 0) this.#waitingSinceMs = performance.now();
  }

  #endWaiting(): void {
    if (this.#waitingSinceMs === 0) return;
    const waitedMs = performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = 0;
    this.waitedMs += waitedMs;
    this.version!.counters.waitedS += waitedMs / 1_000;
  }

  #remainingMs(): number {
    return Math.max(1, this.version!.timeoutMs - (performance.now() - this.#timedSinceMs));
  }
}

/** Timers kept for the next calls. */
const MOST_FREE = 1_024;

/**
 * A timer that serves one call after another: restarting it costs a fraction of creating and clearing one. It
 * keeps no process alive; the connections of its call do.
 */
class Timer {
  owner: Placement | undefined;
  #delayMs = 0;
  #timeout: NodeJS.Timeout | undefined;

  /** Fires once, after `delayMs`, and replaces what was set before. */
  set(delayMs: number): void {
    if (this.#timeout !== undefined && delayMs === this.#delayMs) {
      this.#timeout.refresh();
      return;
    }
    clearTimeout(this.#timeout);
    this.#delayMs = delayMs;
    this.#timeout = setTimeout(fire, delayMs, this).unref();
  }

  restart(): void {
    this.#timeout?.refresh();
  }

  close(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }
}

/** The timers of a router's calls. One without a call fires once, without effect. */
export class Timers {
  readonly #free: Timer[] = [];

  take(owner: Placement): Timer {
    const timer = this.#free.pop() ?? new Timer();
    timer.owner = owner;
    return timer;
  }

  giveBack(timer: Timer): void {
    timer.owner = undefined;
    if (this.#free.length < MOST_FREE) this.#free.push(timer);
    else timer.close();
  }

  close(): void {
    for (const timer of this.#free.splice(0)) timer.close();
  }
}

function fire(timer: Timer): void {
  timer.owner?.timedOut();
}
