import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Resource } from "../api/resource.ts";
import type { Share } from "./traffic.ts";

/** What `GET /func/NAME` answers, as far as pages show it. Lists have the newest last. */
export interface Described {
  readonly name: string;
  readonly url: string;
  /** The current version, which is the `ETag` as well. */
  readonly version: number;
  readonly ready: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly state: CallState;
  readonly settings: Settings;
  readonly traffic: readonly Share[];
  readonly sticky?: { readonly cookie?: string; readonly header?: string };
  readonly guard?: Guard;
  readonly previous?: number;
  readonly versions: readonly { readonly version: number; readonly createdAt: string }[];
  readonly instances: readonly Instance[];
  readonly lastErrors: readonly { readonly at: string; readonly message: string }[];
  readonly lastHour?: LastHour & { readonly p50Ms?: number };
  readonly lastFailures?: readonly Failure[];
  readonly lastDeploys: readonly Deploy[];
  readonly lastRollback?: { readonly at: string; readonly reason: string };
  readonly lastRefusal?: { readonly at: string; readonly reason: string };
  readonly async?: { readonly waiting: number; readonly running: number; readonly dead: number };
  readonly schedules?: readonly CronTimes[];
  readonly image?: { readonly image: string; readonly digest?: string };
  readonly isolation?: { readonly files: string; readonly network: string };
  readonly notReady?: string;
  /** Why members from the store are missing. */
  readonly noHistory?: string;
}

export interface CallState {
  readonly canCall: boolean;
  readonly reason: string;
}

export interface LastHour {
  readonly calls: number;
  readonly errors: number;
  /** Of the versions that have traffic now. */
  readonly liveCalls: number;
  readonly liveErrors: number;
  readonly p95Ms?: number;
}

export interface Guard {
  readonly errorRate?: number;
  readonly slowdown?: number;
  readonly calls?: number;
}

export interface Instance {
  readonly id: string;
  readonly version: number;
  readonly state: "starting" | "ready" | "spent" | "draining";
  readonly startedAt: string;
  readonly memoryMiB?: number;
}

export interface Failure {
  readonly at: string;
  readonly callId?: string;
  readonly version?: number;
  readonly status?: number;
  readonly text: string;
}

export interface Deploy {
  readonly version: number;
  readonly at: string;
  readonly by?: string;
  readonly message?: string;
  readonly commit?: string;
}

export interface CronTimes {
  readonly schedule: string;
  readonly cron: string;
  readonly next: readonly string[];
  readonly lastAt?: string;
  readonly lastOutcome?: "fired" | "skipped" | "missed";
}

/** Settings of a function as the API shows them: values of variables are hidden. */
export interface Settings {
  readonly runtime: "deno" | "program" | "image";
  readonly isolation: "instance" | "call";
  readonly access: "public" | "key" | "internal";
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, { readonly secret: string; readonly version: number }>>;
  readonly hosts: readonly string[];
  readonly cron: readonly string[];
  readonly quota: Readonly<Record<string, string | number | undefined>>;
  readonly [setting: string]: unknown;
}

export const DescribedContext = createContext<Resource<Described> | undefined>(undefined);

/** The function of the page around: see `FunctionPage`. Its data are there once the first answer is. */
export function useDescribed(): Resource<Described> {
  const found = useContext(DescribedContext);
  if (found === undefined) throw new Error("useDescribed is for what FunctionPage surrounds");
  return found;
}

/** A share of failed calls that counts as failing. */
const FAILING_SHARE = 0.1;

/** Whether so many calls of the last hour failed that somebody should look. Versions without traffic do not count. */
export function isFailing(lastHour: LastHour | undefined): boolean {
  const { liveCalls = 0, liveErrors = 0 } = lastHour ?? {};
  return liveErrors > 0 && liveErrors >= liveCalls * FAILING_SHARE;
}

/** The path of a function in the API. */
export function pathOf(name: string): string {
  return `/func/${encodeURIComponent(name)}`;
}

/** The condition of a write: it happens only to the version that this page shows. */
export function ifMatch(version: number): { readonly "if-match": string } {
  return { "if-match": `"${version}"` };
}
