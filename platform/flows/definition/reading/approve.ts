import { isRecord } from "../../../settings/invalid-setting.ts";
import type { Action } from "../definition.ts";
import { KEYS } from "./keys.ts";
import type { Place } from "./place.ts";
import { isObject, manyOf, textOf, textTemplateOf } from "./values.ts";

/** Who may decide: callers as records name them, keys without their id. */
export const APPROVER = /^((key|oidc) \S.{0,199}|token|local)$/;
const MOST_APPROVERS = 100;

/** Reads a question, or `{message, by}`. */
export function readApprove(place: Place): Action | undefined {
  const long = isRecord(place.value) ? place : undefined;
  if (long !== undefined && !isObject(long, KEYS.approve)) return undefined;
  const asked = long === undefined ? place : long.member("message");
  if (asked === undefined)
    return place.fault(`${place.name} has no question: add message, such as message: Ship order 12?`);
  const message = textTemplateOf(asked, /\S/, "a question for people, such as approve: Ship order 12?");
  const by = long?.member("by");
  if (message === undefined) return undefined;
  return by === undefined ? { kind: "approve", message } : { kind: "approve", message, by: approversOf(by) };
}

function approversOf(place: Place): readonly string[] {
  if (Array.isArray(place.value) && place.value.length === 0)
    place.fault(`${place.name} is empty, so nobody could decide: name somebody, or remove it.`);
  const rule = 'a name such as "oidc ann@example.com", "key NAME", token or local';
  return manyOf(place, (each) => textOf(each, APPROVER, rule), MOST_APPROVERS);
}
