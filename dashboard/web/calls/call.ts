import type { Tone } from "../ui/values.tsx";

export type CallState = "waiting" | "running" | "done" | "dead" | "cancelled";
/** As the page tells them apart: a call that waits for its next attempt is being retried. */
export type ShownState = CallState | "retrying";

export interface CallAttempt {
  readonly number: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly callId?: string;
  readonly status?: number;
  readonly error?: string;
}

export interface CallOrigin {
  readonly kind: "api" | "schedule" | "subscription" | string;
  readonly name?: string;
  readonly topic?: string;
  readonly position?: number;
  readonly at?: string;
  readonly manual?: boolean;
}

/** A record of `GET /call`. */
export interface CallRecord {
  readonly id: string;
  readonly state: CallState;
  readonly function?: string;
  readonly version?: number;
  readonly flow?: string;
  readonly url?: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly origin: CallOrigin;
  readonly by: string;
  readonly keyId?: string;
  readonly acceptedAt: string;
  readonly dueAt: string;
  readonly priority: number;
  readonly orderKey?: string;
  readonly callback?: string;
  readonly retry: { readonly attempts: number; readonly backoffMs: number; readonly maxAgeMs: number };
  readonly attempts: readonly CallAttempt[];
  readonly runningSince?: string;
  readonly endedAt?: string;
  readonly reason?: string;
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly bytes: number;
    readonly isCut: boolean;
  };
}

export const TONES: Readonly<Record<ShownState, Tone>> = {
  waiting: "quiet",
  running: "info",
  retrying: "warn",
  done: "ok",
  dead: "bad",
  cancelled: "quiet",
};

export function shownState({ state, attempts }: Pick<CallRecord, "state" | "attempts">): ShownState {
  return state === "waiting" && attempts.length > 0 ? "retrying" : state;
}

export function hasEnded({ state }: Pick<CallRecord, "state">): boolean {
  return state === "done" || state === "dead" || state === "cancelled";
}

/** What is called, such as `resize/large`. */
export function targetText({ function: name, version, flow, url, path }: CallRecord): string {
  if (flow !== undefined) return `flow ${flow}`;
  if (url !== undefined) return url === "/exec" ? "command" : url;
  return `${name}${version === undefined ? "" : `@${version}`}${path === "/" ? "" : path}`;
}

/** The path of the page of what made a call, and how it is called. */
export function originLink(origin: CallOrigin): { readonly text: string; readonly href?: string } {
  const { kind, name = "", manual } = origin;
  if (kind === "subscription") return { text: `subscription ${name}`, href: `/subscriptions/${name}` };
  if (kind === "schedule") {
    const text = `schedule ${name}${manual ? " (by hand)" : ""}`;
    // Schedules of a setting belong to their function.
    const [, owner] = /^fn\/([^/]+)\//.exec(name) ?? [];
    return { text, href: owner === undefined ? `/schedules/${name}` : `/functions/${owner}/schedules` };
  }
  return { text: kind === "api" ? "API" : kind };
}

/** Milliseconds from acceptance to end; undefined before the end. */
export function tookMs({ acceptedAt, endedAt }: CallRecord): number | undefined {
  return endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(acceptedAt);
}
