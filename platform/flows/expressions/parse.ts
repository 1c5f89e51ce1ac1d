import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";
import { ExpressionFault } from "./fault.ts";
import { hintFor } from "./hints.ts";

export type Node = ASTNode;

/** Characters of an expression. */
export const MAX_EXPRESSION = 4096;

/** Parses texts of CEL. The library's own checks and evaluation are not used: they have no bound, and separate integers from JSON's numbers. */
export class Parser {
  readonly #environment = new Environment({
    enableOptionalTypes: true,
    limits: {
      maxDepth: 60,
      maxAstNodes: 4096,
      maxListElements: 1000,
      maxMapEntries: 1000,
      maxCallArguments: 32,
    },
  });

  /** Throws `ExpressionFault`. */
  parse(text: string): Node {
    if (text.length > MAX_EXPRESSION) {
      throw new ExpressionFault(
        `The expression has ${text.length} characters; the limit is ${MAX_EXPRESSION}. Compute it in a function.`,
      );
    }
    if (text.trim() === "") throw new ExpressionFault("The expression is empty.", 0);
    try {
      return this.#environment.parse(text).ast;
    } catch (error) {
      const hint = error instanceof ParseError ? hintFor(text, (other) => this.#reads(other)) : undefined;
      throw hint === undefined ? asFault(error, text) : new ExpressionFault(hint.message, hint.offset);
    }
  }

  #reads(text: string): boolean {
    try {
      this.#environment.parse(text);
      return true;
    } catch (error) {
      if (error instanceof ParseError || error instanceof RangeError) return false;
      throw error;
    }
  }
}

function asFault(error: unknown, text: string): ExpressionFault {
  if (error instanceof RangeError) return new ExpressionFault("The expression is nested too deeply.", 0);
  if (!(error instanceof ParseError)) throw error;
  const offset = Math.min(error.range?.start ?? text.length, text.length);
  return new ExpressionFault(`${sentence(error.summary, text, offset)}`, offset);
}

/** The library names tokens: `Unexpected token: EOF`. */
function sentence(summary: string, text: string, offset: number): string {
  if (offset >= text.trimEnd().length && /EOF|Unexpected character/.test(summary)) {
    return `The expression \`${brief(text)}\` ends too early.`;
  }
  const what = `${text.slice(offset, offset + 20).split(/\s/)[0]}`;
  return `The expression cannot be read at \`${what}\`: ${summary}.`;
}

export function brief(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The text of a part of an expression. */
export function textOf(node: Node): string {
  return brief(node.input.slice(node.start, node.end));
}
