import { partsOfText } from "../../../../platform/flows/expressions/template.ts";

/** Renames a step in the expressions of a text of the source, which may be a template or one expression. */
export function inExpressions(source: string, name: string, to: string): string {
  // `steps.NAME`, `steps.?NAME`, `steps["NAME"]`; not `other.steps.NAME`.
  const mention = new RegExp(`(?<![\\w.])(steps\\s*(?:\\.\\??\\s*|\\[\\??\\s*\\\\?["']))${name}(?!\\w)`, "g");
  const renamed = (text: string) => text.replace(mention, `$1${to}`);
  if (!source.includes("${")) return renamed(source);
  const expressions = offsetsOf(source);
  if (expressions === undefined) return renamed(source);
  return expressions.reduceRight(
    (text, [start, end]) => text.slice(0, start) + renamed(text.slice(start, end)) + text.slice(end),
    source,
  );
}

/** Undefined for a text with an expression that does not end: quotation marks of the source confuse their ends. */
function offsetsOf(source: string): readonly (readonly [number, number])[] | undefined {
  try {
    return partsOfText(source).flatMap((part) =>
      "expression" in part ? [[part.offset, part.offset + part.expression.length] as const] : [],
    );
  } catch {
    return undefined;
  }
}
