import { setTimeout as pause } from "node:timers/promises";

/** A part of a program that runs until the program stops. All times are in milliseconds. */
export interface Service {
  /** Names it in errors. */
  readonly name: string;
  /** Makes clients reconnect elsewhere; work goes on. */
  readonly leave?: () => void;
  /** Rejects new work and resolves when the work under way has ended, after `withinMs` at the latest. */
  readonly drain?: (withinMs: number) => Promise<unknown>;
  /** Releases remaining resources, such as a port, within `withinMs`. */
  readonly close?: (withinMs: number) => Promise<unknown>;
}

export interface StopOptions {
  /** Time between leaving and draining; with 0, the default, no service leaves. */
  readonly leaveMs?: number;
  /** Time that all services have together to drain and close. */
  readonly drainMs: number;
  /** Extra time for each step before the stop goes on without it; 10 s by default. */
  readonly overtimeMs?: number;
}

/** The least time that a service gets when those before it have used up `drainMs`. */
const LAST_MOMENT_MS = 1_000;

/**
 * The services of a program, in the order in which they started. A service may use those before it, so they are drained
 * in reverse, and then closed in reverse.
 */
export class ServiceList {
  readonly #services: Service[] = [];
  #state: "starting" | "ready" | "leaving" | "draining" = "starting";
  #stopped: Promise<void> | undefined;

  /**
   * Runs `start`, which adds each service as soon as it runs. If `start` fails, those that run are stopped.
   * @throws the error of `start`, or an AggregateError with the same message if the stop fails as well
   */
  static async start<T>(start: (services: ServiceList) => Promise<T>): Promise<T> {
    const services = new ServiceList();
    try {
      return await start(services);
    } catch (error) {
      await services.stop({ drainMs: 0 }).catch((stopError) => {
        throw new AggregateError([error, stopError], (error as Error).message);
      });
      throw error;
    }
  }

  get state() {
    return this.#state;
  }

  add(service: Service): void {
    this.#services.push(service);
  }

  /** Marks all services as running. Without effect once the stop has begun. */
  ready(): void {
    if (this.#state === "starting") this.#state = "ready";
  }

  /**
   * Stops every service, also after another one failed. Further calls return the same promise.
   * @throws AggregateError with the names of the services that failed or took too long
   */
  stop(options: StopOptions): Promise<void> {
    this.#stopped ??= this.#stop(options);
    return this.#stopped;
  }

  async #stop({ leaveMs = 0, drainMs, overtimeMs = 10_000 }: StopOptions): Promise<void> {
    const services = this.#services.toReversed();
    if (leaveMs > 0) {
      this.#state = "leaving";
      for (const service of services) service.leave?.();
      await pause(leaveMs);
    }
    this.#state = "draining";
    const untilMs = performance.now() + drainMs;
    const errors: Error[] = [];
    for (const step of ["drain", "close"] as const) {
      for (const service of services) {
        const leftMs = Math.max(Math.min(drainMs, LAST_MOMENT_MS), untilMs - performance.now());
        try {
          await within(leftMs + overtimeMs, service[step]?.(leftMs));
        } catch (cause) {
          errors.push(new Error(`${service.name} did not ${step}: ${(cause as Error).message}`, { cause }));
        }
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join("; "));
  }
}

async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it took longer than ${ms} ms`)), ms);
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
