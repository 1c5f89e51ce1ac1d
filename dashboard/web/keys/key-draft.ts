import type { Scope } from "../session/session.ts";
import type { Key } from "./key.ts";

/** A key as a form has it. */
export interface KeyDraft {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Names with commas or spaces between; empty for all functions. */
  readonly functions: string;
  /** `keep`, `never`, a duration such as `90d`, or `at`. */
  readonly expiry: string;
  /** Local time of `at`. */
  readonly expiresAt: string;
  readonly rate: string;
  readonly inFlight: string;
  readonly perMonth: string;
}

export const NEW_DRAFT: KeyDraft = {
  ...{ name: "", scopes: ["call"], functions: "", expiry: "90d", expiresAt: "" },
  ...{ rate: "", inFlight: "", perMonth: "" },
};

export function draftOf({ name = "", scopes = [], functions = [], quota = {} }: Key): KeyDraft {
  return {
    ...{ name, scopes, functions: functions.join(", "), expiry: "keep", expiresAt: "" },
    ...{ rate: quota.rate ?? "", inFlight: textOf(quota.inFlight), perMonth: textOf(quota.perMonth) },
  };
}

/** Returns the body of `POST /key`. */
export function creationOf(draft: KeyDraft): Record<string, unknown> {
  const all = membersOf(draft);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

/** Returns the body of `PATCH /key/ID`: null removes a member. */
export function patchOf(draft: KeyDraft, before: Key): Record<string, unknown> {
  const { quota, ...members } = membersOf(draft);
  // A burst has no field here and stays.
  const { burst } = before.quota ?? {};
  const kept = quota === null || burst === undefined ? quota : { ...(quota as object), burst };
  return { ...members, quota: kept };
}

function membersOf(draft: KeyDraft): Record<string, unknown> {
  const { name, scopes, expiry, expiresAt, rate, inFlight, perMonth } = draft;
  const functions = draft.functions.split(/[\s,]+/).filter((each) => each !== "");
  const quota = {
    ...(rate === "" ? {} : { rate }),
    ...(inFlight === "" ? {} : { inFlight: Number(inFlight) }),
    ...(perMonth === "" ? {} : { perMonth: Number(perMonth) }),
  };
  return {
    ...{ name, scopes, functions: functions.length === 0 ? null : functions },
    ...expiryOf(expiry, expiresAt),
    quota: Object.keys(quota).length === 0 ? null : quota,
  };
}

function expiryOf(expiry: string, expiresAt: string): Record<string, unknown> {
  if (expiry === "keep") return {};
  if (expiry === "never") return { expiresAt: null };
  if (expiry === "at") return { expiresAt: expiresAt === "" ? "" : new Date(expiresAt).toISOString() };
  return { ttl: expiry };
}

function textOf(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}
