import type { Scope } from "../session/session.ts";

export interface Quota {
  /** Such as `100/s`. */
  readonly rate?: string;
  readonly burst?: number;
  readonly inFlight?: number;
  readonly perMonth?: number;
}

/** `GET /key/ID`. */
export interface Key {
  readonly id: string;
  readonly name?: string;
  readonly scopes?: readonly Scope[];
  readonly state: "active" | "expired" | "invalid";
  readonly functions?: readonly string[];
  readonly expiresAt?: string;
  readonly quota?: Quota;
  readonly createdBy?: string;
  readonly rotatedAt?: string;
  /** The secret before is valid until then. */
  readonly previousUntil?: string;
  readonly lastUsedAt?: string;
  readonly createdAt: string;
}

/** Answer of a creation or a rotation: no later answer has the key itself. */
export type NewKey = Key & { readonly key: string };

export const SCOPES: readonly { readonly scope: Scope; readonly text: string }[] = [
  { scope: "call", text: "call functions, publish in topics, begin runs of flows" },
  { scope: "read", text: "list and describe, read sources, logs, events and calls" },
  { scope: "deploy", text: "deploy, change and delete functions and everything that is declared" },
  { scope: "run", text: "run commands" },
  { scope: "admin", text: "everything, keys included" },
];

export function quotaText({ rate, burst, inFlight, perMonth }: Quota): string {
  const parts = [
    rate,
    burst === undefined ? undefined : `${burst} at once`,
    inFlight === undefined ? undefined : `${inFlight} in flight`,
    perMonth === undefined ? undefined : `${perMonth} a month`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}
