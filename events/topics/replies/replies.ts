import { bytesOf } from "../../../calling/stored-bodies.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import type { Answer } from "../../../store/call.ts";
import type { Reply } from "../../../store/calls.ts";

/** What those who answer an event have in common, for whoever waits. */
export type ReplyOutcome =
  | { readonly answer: Answer }
  /** Why there is no answer, with the status that the function gave instead. */
  | { readonly failed: string; readonly answer?: Answer }
  /** All have answered, none with a reply. */
  | "none";

export interface ReplyRules {
  /** The groups that may reply. */
  readonly groups: readonly string[];
  /** Every status is an answer, and so is the last empty one. */
  readonly isGateway: boolean;
  /** Most bytes of an answer that is kept. */
  readonly resultBytes: number;
}

/** Decides by the replies so far, oldest first. Undefined: others may still reply. */
export function outcomeOf(
  replies: readonly Reply[],
  { groups, isGateway, resultBytes }: ReplyRules,
): ReplyOutcome | undefined {
  const empty: Answer[] = [];
  for (const { answer, error } of replies) {
    if (answer === undefined) return { failed: error ?? "The function did not answer." };
    if (answer.isCut) return { failed: largerThanKept("The reply", resultBytes), answer };
    const isEmpty = answer.status < 300 && bytesOf(answer.body) === 0;
    if (isEmpty) empty.push(answer);
    else if (isGateway || answer.status < 400) return { answer };
    else return { failed: `The function answered ${answer.status}.`, answer };
  }
  const answered = new Set(replies.map(({ group }) => group));
  if (!groups.every((group) => answered.has(group))) return undefined;
  return isGateway && empty.length > 0 ? { answer: empty[0]! } : "none";
}

/** @param what the answer, as the subject of a sentence */
export function largerThanKept(what: string, resultBytes: number): string {
  return `${what} is larger than ${formatBytes(resultBytes)} (SKIFF_MAX_RESULT): answer with less, or raise it.`;
}
