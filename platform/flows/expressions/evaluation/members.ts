import { closestWord } from "../../../../process/closest-word.ts";
import { ExpressionFault } from "../fault.ts";
import { type Node, textOf } from "../parse.ts";
import { describe, kindOf, memberOf, type Value } from "./values.ts";

type AccessNode = Node & { op: "." | "[]" };

/** Undefined: there is no such member. */
export function member(of: Value, key: Value): Value {
  if (Array.isArray(of)) return typeof key === "number" && Number.isInteger(key) ? of[key] : undefined;
  if (typeof key !== "string" || kindOf(of) !== "map") return undefined;
  return memberOf(of as object, key);
}

export function missingMember(node: AccessNode, of: Value, key: Value): ExpressionFault {
  const place = node.op === "." ? node.pos : node.start;
  return new ExpressionFault(missing(textOf(node.args[0]), of, key), place);
}

function missing(what: string, of: Value, key: Value): string {
  const kind = kindOf(of);
  if (kind === "list") {
    const { length } = of as Value[];
    return `\`${what}\` has ${length} elements and none at ${describe(key)}.`;
  }
  if (kind !== "map") return `\`${what}\` is ${describe(of)} and has no member \`${String(key)}\`.`;
  if (typeof key !== "string") return `\`${what}\` is a map: its keys are texts, not ${describe(key)}.`;
  const keys = Object.keys(of as object);
  const closest = closestWord(key, keys.slice(0, 1000));
  const hint =
    closest === undefined ? `Use \`default(…, value)\` if it may be absent.` : `Did you mean \`${closest}\`?`;
  return `\`${what}\` has no member \`${key.slice(0, 60)}\`. ${hint}`;
}
