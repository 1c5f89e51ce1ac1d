import type { Limits } from "../../platform/limits.ts";
import { type Problem, toProblem } from "../../platform/problems.ts";
import * as problems from "../exchange/problems.ts";
import type { InstanceClient } from "../upstream/instance-client.ts";
import type { VersionState, Waiter } from "./version.ts";

/** Pauses before a call is tried again after its instance refused the connection, in milliseconds. */
const RETRY_AFTER_MS: readonly number[] = [20, 100, 500];
/** Time that a call waits inside an instance before the router looks for another one again, in milliseconds. */
const WAIT_INSIDE_MS = 1_000;
/** Pause before an instance is asked again that did not let the call wait, in milliseconds. */
const REFUSED_AGAIN_MS = 100;

/** The call that a placement is for. */
export interface PlacedCall {
  /** Sends the call to an instance on which it has a place. */
  forward(instance: InstanceClient): void;
  /** Answers the call with a problem and ends it. */
  refuse(problem: Problem): void;
  /** The time was up while an instance had the call. */
  silent(): void;
}

export interface PlacementOptions {
  readonly limits: Limits;
  readonly alarms: Alarms;
}

/** One call's wait for an instance, its place on it, and its one timer. */
export class Placement implements Waiter {
  readonly arrivedMs = performance.now();
  phase: "waiting" | "forwarding" | "streaming" | "ended" = "waiting";
  /** The call came when no instance was ready. */
  isCold = false;
  /** Times that the call was sent again because an instance did not accept its connection. */
  retries = 0;
  /** Time that the call waited for an instance, in milliseconds. */
  waitedMs = 0;
  version: VersionState | undefined;
  /** The instance that has the call, or had it last. */
  served: InstanceClient | undefined;
  /** The longest that the call may wait inside the instance, in milliseconds; 0: it is to be told at once. */
  waitInsideMs = 0;
  readonly #call: PlacedCall;
  readonly #options: PlacementOptions;
  #instance: InstanceClient | undefined;
  #isStream = false;
  #waitingSinceMs = 0;
  /** Instances that had no place for the call since it was placed first. */
  #busy: InstanceClient[] | undefined;
  #busySinceMs = 0;
  #insideSinceMs = 0;
  #alarm: Alarm | undefined;
  /** The alarm is set to the end of the call's own time, not to that of its wait for an instance. */
  #hasItsOwnTime = true;

  constructor(call: PlacedCall, options: PlacementOptions) {
    this.#call = call;
    this.#options = options;
  }

  /**
   * Gets the call a place on an instance of the version, now or when one is free, and forwards it then.
   * @throws Problem `too_many_waiting`
   */
  acquire(version: VersionState): void {
    this.version = version;
    const instance = version.take();
    if (instance !== undefined) {
      this.#got(instance);
      this.arm(this.retries === 0 ? version.timeoutMs : this.#remainingMs());
      this.#call.forward(instance);
      return;
    }
    this.#waits();
    if (version.readyCount === 0) this.isCold = true;
    const { instanceWaitMs } = this.#options.limits;
    const remainingMs = this.#remainingMs();
    this.#hasItsOwnTime = remainingMs <= instanceWaitMs;
    this.arm(Math.min(instanceWaitMs, remainingMs));
    version.wait(this);
  }

  placed(instance: InstanceClient): void {
    this.#got(instance);
    this.arm(this.#remainingMs());
    // Not at once: this may run inside the end of another call, in the middle of the parser.
    process.nextTick(() => this.#forwardPlaced());
  }

  refused(problem: Problem): void {
    this.#call.refuse(problem);
  }

  moved(version: VersionState): void {
    this.#reacquire(version);
  }

  #forwardPlaced(): void {
    const instance = this.#instance;
    if (instance !== undefined && this.phase === "waiting") this.#call.forward(instance);
  }

  /** The instance broke the call off, as one does that ends. */
  doubt(): void {
    if (this.#instance !== undefined) this.version!.doubt(this.#instance);
  }

  /** No byte of the call can have reached an instance: another one, or the same one later, may take it. */
  retry(): void {
    const pauseMs = RETRY_AFTER_MS[this.retries++];
    if (pauseMs === undefined) {
      this.#call.refuse(problems.notAccepted(this.retries));
      return;
    }
    this.version!.counters.retries++;
    this.#instance?.setAside();
    this.release();
    this.#waits();
    setTimeout(
      () => this.phase === "waiting" && this.#reacquire(this.version!),
      this.version!.readyCount > 1 ? 0 : pauseMs,
    );
  }

  /**
   * The instance has no place: calls of other routers have them all. Another instance may have one; if none has, the
   * call waits inside this one, behind those that came before it.
   */
  busy(): void {
    const instance = this.#instance!;
    const nowMs = performance.now();
    if (this.#busy === undefined) this.#busySinceMs = nowMs;
    const { instanceWaitMs } = this.#options.limits;
    const leftMs = Math.min(instanceWaitMs - (nowMs - this.#busySinceMs), this.#remainingMs());
    if (leftMs < 1) {
      this.#call.refuse(problems.noInstance(this.#options.limits));
      return;
    }
    // After a wait in vain every instance may have a place again.
    this.#busy = this.waitInsideMs > 0 ? [instance] : [...(this.#busy ?? []), instance];
    const isEarly = this.waitInsideMs > 0 && nowMs - this.#insideSinceMs < this.waitInsideMs / 2;
    const other = this.version!.exchange(instance, this.#busy);
    this.waitInsideMs = other === undefined ? Math.min(WAIT_INSIDE_MS, leftMs) : 0;
    this.#instance = other ?? instance;
    this.served = this.#instance;
    this.phase = "waiting";
    this.#insideSinceMs = nowMs;
    if (isEarly) setTimeout(() => this.#forwardPlaced(), REFUSED_AGAIN_MS);
    else process.nextTick(() => this.#forwardPlaced());
  }

  get hasPlace(): boolean {
    return this.#instance !== undefined;
  }

  /** The instance that has the call gets no new calls. */
  get isLeaving(): boolean {
    return this.#instance !== undefined && this.version!.isLeaving(this.#instance);
  }

  get elapsedMs(): number {
    return performance.now() - this.arrivedMs;
  }

  /** Leaves the queue, or gives the place back; the second time there is none to give. */
  release(): void {
    const instance = this.#instance;
    this.#stopsWaiting();
    if (instance === undefined) {
      if (this.phase === "waiting") this.version?.leave(this);
      return;
    }
    this.#instance = undefined;
    if (this.#isStream) instance.streams--;
    this.#isStream = false;
    this.version!.release(instance);
  }

  /** The response has begun and goes on. */
  becomeStream(): void {
    this.phase = "streaming";
    if (this.#instance === undefined || this.#isStream) return;
    this.#isStream = true;
    this.#instance.streams++;
  }

  /** Sets the call's one timer anew. */
  arm(delayMs: number): void {
    this.#alarm ??= this.#options.alarms.take(this);
    this.#alarm.set(delayMs);
  }

  rearm(): void {
    this.#alarm?.restart();
  }

  disarm(): void {
    if (this.#alarm !== undefined) this.#options.alarms.giveBack(this.#alarm);
    this.#alarm = undefined;
  }

  timeUp(): void {
    if (this.phase !== "waiting") {
      this.#call.silent();
      return;
    }
    const { limits } = this.#options;
    this.#call.refuse(
      this.#hasItsOwnTime ? problems.callTimeout(this.version!.timeoutMs) : problems.noInstance(limits),
    );
  }

  #reacquire(version: VersionState): void {
    try {
      this.acquire(version);
    } catch (error) {
      this.#call.refuse(toProblem(error));
    }
  }

  #got(instance: InstanceClient): void {
    this.#hasItsOwnTime = true;
    this.#stopsWaiting();
    this.#instance = instance;
    this.served = instance;
  }

  #waits(): void {
    this.phase = "waiting";
    if (this.#waitingSinceMs === 0) this.#waitingSinceMs = performance.now();
  }

  #stopsWaiting(): void {
    if (this.#waitingSinceMs === 0) return;
    const waitedMs = performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = 0;
    this.waitedMs += waitedMs;
    this.version!.counters.waitedMs += waitedMs;
  }

  #remainingMs(): number {
    return Math.max(1, this.version!.timeoutMs - this.elapsedMs);
  }
}

/** Alarms kept for the next calls. */
const MOST_FREE = 1_024;

/**
 * A timer that serves one call after another: restarting it costs a fraction of creating and clearing one. It keeps no
 * process alive; the connections of its call do.
 */
class Alarm {
  owner: Placement | undefined;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Fires once, after `delayMs`, instead of what was set before. */
  set(delayMs: number): void {
    if (this.#timer !== undefined && delayMs === this.#delayMs) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#delayMs = delayMs;
    this.#timer = setTimeout(ring, delayMs, this).unref();
  }

  /** Starts the time again that was set last. */
  restart(): void {
    this.#timer?.refresh();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The alarms of a router's calls. One without a call fires once, without effect. */
export class Alarms {
  readonly #free: Alarm[] = [];

  take(owner: Placement): Alarm {
    const alarm = this.#free.pop() ?? new Alarm();
    alarm.owner = owner;
    return alarm;
  }

  giveBack(alarm: Alarm): void {
    alarm.owner = undefined;
    if (this.#free.length < MOST_FREE) this.#free.push(alarm);
    else alarm.close();
  }

  close(): void {
    for (const alarm of this.#free.splice(0)) alarm.close();
  }
}

function ring(alarm: Alarm): void {
  alarm.owner?.timeUp();
}
