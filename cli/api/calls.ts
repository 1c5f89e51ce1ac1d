import type { Api } from "./api.ts";

/** What `GET /call/ID` answers. */
export interface CallDocument {
  readonly id: string;
  readonly state: "waiting" | "running" | "done" | "dead" | "cancelled";
  readonly function?: string;
  readonly version?: number;
  readonly url?: string;
  readonly method: string;
  readonly path: string;
  readonly bytes: number;
  readonly origin: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly by: string;
  readonly acceptedAt: string;
  readonly dueAt: string;
  readonly orderKey?: string;
  readonly attempts: readonly {
    readonly number: number;
    readonly startedAt: string;
    readonly endedAt: string;
    readonly callId?: string;
    readonly status?: number;
    readonly error?: string;
  }[];
  readonly endedAt?: string;
  readonly reason?: string;
  readonly answer?: { readonly status: number; readonly bytes: number; readonly isCut: boolean };
}

/** Longest wait in one request; the API allows 60 s. */
const WAIT = "30s";

/** Path of a call in the API. The id is checked there. */
export function callPath(id: string, rest = ""): string {
  return `/call/${encodeURIComponent(id)}${rest}`;
}

/** Waits until a call has ended, or until `signal` aborts. */
export async function endedCall(api: Api, id: string, signal: AbortSignal): Promise<CallDocument> {
  for (;;) {
    const call = await api.json<CallDocument>(callPath(id), { query: { wait: WAIT }, signal });
    if (call.state !== "waiting" && call.state !== "running") return call;
  }
}
