import type { Address } from "../../http/server.ts";
import type { ProcessMetrics } from "../../metrics/families.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Endpoints, InstanceLoad, Load, WakeStep } from "../../platform/platform.ts";
import type { RouterOrders, RouterReport } from "../../platform/usage/exchange.ts";
import type { FunctionStats, RouterTotals } from "../metrics/stats.ts";

/** Methods of a worker that the primary calls; see `Front`. */
export type WorkerMethods = {
  /** Called first. Resolves with the port when the worker listens. */
  start(options: StartWorker): Promise<number>;
  /** Applies new endpoints of a function; undefined removes it. */
  update(change: { name: string; endpoints: Endpoints | undefined }): void;
  /** Applies the spec of a key; undefined revokes it. */
  setKey(change: { id: string; spec: KeySpecs[number][1] | undefined }): void;
  leave(): Promise<void>;
  drain(options: { drainMs: number }): Promise<void>;
  count(): Promise<WorkerCounters>;
  exchangeUsage(orders: RouterOrders): Promise<readonly RouterReport[]>;
  ping(): void;
  /** Closes the front and ends the process. */
  end(options: { withinMs: number }): Promise<void>;
};

/** Methods of the primary that a worker calls. */
export type PrimaryMethods = {
  wake(version: { name: string; version: number }): Promise<readonly WakeStep[]>;
  report(loads: readonly WorkerLoad[]): void;
  print(line: string): void;
};

export interface StartWorker {
  readonly limits: Limits;
  readonly headersMs: number | undefined;
  readonly address: Address;
  /** Path of the management API's socket; without one the router answers requests that are not below /fn. */
  readonly management: string | undefined;
  /** The endpoints of all functions. */
  readonly endpoints: readonly Endpoints[];
  readonly keys: KeySpecs;
}

/** Ids and specs of keys. */
export type KeySpecs = readonly (readonly [id: string, spec: Readonly<Record<string, unknown>>])[];

export interface WorkerCounters {
  readonly functions: readonly FunctionStats[];
  readonly totals: RouterTotals;
  readonly process: ProcessMetrics;
}

/** The load of one version of a function on one worker. */
export interface WorkerLoad extends Omit<Load, "byInstance"> {
  /** Instances with calls. */
  readonly byInstance: readonly (readonly [id: string, load: InstanceLoad])[];
}

/** Returns the key of a load in a map. */
export function keyOf({ name, version }: Pick<Load, "name" | "version">): string {
  return `${name} ${version}`;
}
