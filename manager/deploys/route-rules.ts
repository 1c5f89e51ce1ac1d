import type { Guard, Sticky } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { isRecord } from "../../platform/settings/invalid-setting.ts";

/** Most calls that a guard compares. */
export const GUARD_CALLS = 1_000_000;
const DEFAULT_GUARD_CALLS = 100;
const NAME_LENGTH = 200;
/** A token (RFC 9110, section 5.6.2), as the names of fields and cookies are. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** @throws Problem `invalid_request` */
export function readSticky(value: unknown): Sticky | undefined {
  if (value === undefined || value === null) return undefined;
  const refuse = (why: string) =>
    new Problem("invalid_request", `sticky ${why}: use {"cookie": NAME} or {"header": NAME}.`);
  if (!isRecord(value)) throw refuse("is not an object");
  refuseOthers(value, ["cookie", "header"], "sticky");
  const [[kind, name] = [], another] = Object.entries(value);
  if (kind === undefined || another !== undefined) throw refuse("must name either a cookie or a header");
  if (typeof name !== "string" || name.length > NAME_LENGTH || !TOKEN.test(name)) {
    throw refuse(`has an invalid name of a ${kind}, which has 1 to ${NAME_LENGTH} letters, digits or signs`);
  }
  return kind === "cookie" ? { cookie: name } : { header: name.toLowerCase() };
}

/** @throws Problem `invalid_request` */
export function readGuard(value: unknown): Guard | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw new Problem("invalid_request", "guard is not an object.");
  refuseOthers(value, ["errorRate", "slowdown", "calls"], "guard");
  const { errorRate, slowdown, calls = DEFAULT_GUARD_CALLS } = value;
  const inRange = (member: unknown, least: number, most: number): member is number =>
    typeof member === "number" && member >= least && member <= most;
  if (errorRate === undefined && slowdown === undefined) {
    throw new Problem("invalid_request", "guard compares nothing: give errorRate, slowdown or both.");
  }
  if (errorRate !== undefined && !inRange(errorRate, 0, 1)) {
    throw new Problem("invalid_request", "guard.errorRate must be a number from 0 to 1, such as 0.05.");
  }
  if (slowdown !== undefined && !inRange(slowdown, 1, 1_000)) {
    throw new Problem("invalid_request", "guard.slowdown must be a number from 1 to 1000, such as 2.");
  }
  if (!inRange(calls, 1, GUARD_CALLS) || !Number.isInteger(calls)) {
    throw new Problem("invalid_request", `guard.calls must be a whole number from 1 to ${GUARD_CALLS}.`);
  }
  return {
    ...(errorRate === undefined ? {} : { errorRate }),
    ...(slowdown === undefined ? {} : { slowdown }),
    calls,
  };
}

/**
 * @param whose the object, as the beginning of a sentence
 * @throws Problem `invalid_request` for a member that is not in `members`
 */
export function refuseOthers(value: object, members: readonly string[], whose: string): void {
  const unknown = Object.keys(value).find((key) => !members.includes(key));
  if (unknown === undefined) return;
  const detail = `${whose} has a member "${unknown.slice(0, 80)}". Members: ${members.join(", ")}.`;
  throw new Problem("invalid_request", detail);
}
