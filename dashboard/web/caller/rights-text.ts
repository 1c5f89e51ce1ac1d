import type { Holder, Scope } from "../session/session.ts";

const MAY: readonly (readonly [scope: Scope, text: string])[] = [
  ["call", "call functions by their name"],
  ["deploy", "deploy functions"],
  ["run", "run commands"],
];

/** Says in one sentence what a key without `read` can do, and what it cannot. */
export function rightsText({ scopes, functions }: Pick<Holder, "scopes" | "functions">): string {
  const texts = MAY.filter(([scope]) => scopes.includes(scope)).map(([, text]) => text);
  const of = functions === undefined ? "" : `, for ${functions.join(", ")} alone`;
  if (texts.length === 0) return "Your key can do nothing here: it has no scope.";
  return `Your key can ${texts.join(" and ")}${of}. It cannot list or describe them: that needs the scope “read”.`;
}
