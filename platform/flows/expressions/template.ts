import { ExpressionFault } from "./fault.ts";

/** A text of a template: texts, and expressions with the place where each begins in the text. */
export type TemplatePart =
  | { readonly text: string }
  | { readonly expression: string; readonly offset: number };

/** Throws `ExpressionFault` for a `${` without an end. */
export function partsOfText(text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("${", at);
    if (next === -1) break;
    if (text[next - 1] === "$" && next > at) {
      // `$${` is a plain `${`.
      plain += `${text.slice(at, next - 1)}\${`;
      at = next + 2;
      continue;
    }
    plain += text.slice(at, next);
    if (plain !== "") parts.push({ text: plain });
    plain = "";
    const end = endOf(text, next);
    parts.push({ expression: text.slice(next + 2, end), offset: next + 2 });
    at = end + 1;
  }
  plain += text.slice(at);
  if (plain !== "") parts.push({ text: plain });
  return parts;
}

/** The expression of a text that is one expression alone, maybe between spaces. */
export function onlyExpression(
  parts: readonly TemplatePart[],
): { readonly expression: string; readonly offset: number } | undefined {
  const found = parts.filter((part) => "expression" in part);
  const isAlone = parts.every((part) => "expression" in part || part.text.trim() === "");
  return found.length === 1 && isAlone ? found[0] : undefined;
}

/** `${ x }` and `x` are the same where an expression is needed. Throws `ExpressionFault` for a text that holds `${ }` and more. */
export function bareExpression(text: string): { readonly expression: string; readonly offset: number } {
  if (!text.trimStart().startsWith("${")) return { expression: text, offset: 0 };
  const found = onlyExpression(partsOfText(text));
  if (found !== undefined) return found;
  throw new ExpressionFault("One expression is needed here: write it without `${` and `}`.", 0);
}

/** The index of the `}` that ends the `${` at `start`. Braces of maps and in texts are part of the expression. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start + 2; at < text.length; at++) {
    const char = text[at];
    if (char === "{") depth++;
    else if (char === "}" && depth-- === 0) return at;
    else if (char === '"' || char === "'") at = endOfQuote(text, at);
  }
  throw new ExpressionFault("`${` has no `}`. Write `$${` for a plain `${`.", start);
}

function endOfQuote(text: string, start: number): number {
  const quote = text[start]!;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  }
  return text.length;
}

/** A value inside of a text: texts as they are, everything else as JSON. */
export function textOfTemplate(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
