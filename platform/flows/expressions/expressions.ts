import { checkNode } from "./check.ts";
import { Evaluation } from "./evaluation/evaluation.ts";
import { Meter } from "./evaluation/meter.ts";
import { plainValue, type Walked } from "./evaluation/plain-value.ts";
import type { ValueMap } from "./evaluation/values.ts";
import { ExpressionFault, TooCostly } from "./fault.ts";
import { type Names, namesIn } from "./names.ts";
import { brief, type Node, Parser } from "./parse.ts";
import type { Scope, Wanted } from "./scope.ts";
import { onlyExpression, partsOfText, type TemplatePart, textOfTemplate } from "./template.ts";
import { shapeOfSchema } from "./types/schema-shape.ts";
import { ANY, type Shape } from "./types/shape.ts";

export interface TemplateFault {
  readonly message: string;
  /** Members and indexes that lead to the text. */
  readonly path: readonly (string | number)[];
  /** Index in that text. */
  readonly offset: number;
}

interface Parsed {
  readonly node: Node;
  readonly names: Names;
}

/** Texts that are kept parsed. */
const MAX_KEPT = 2000;

/**
 * Checks and evaluates the expressions and templates of flows. Parsed texts are kept, so that whoever evaluates often owns one object for
 * long. Evaluation is pure, and its time is bounded whatever the expression is (`meter.ts`).
 */
export class Expressions {
  readonly #parser = new Parser();
  readonly #parsed = new Map<string, Parsed>();
  readonly #shapes = new WeakMap<object, Shape>();
  readonly #texts = new Map<string, readonly TemplatePart[]>();
  /** Large values that are known to be JSON: the same outputs are handed on again and again. */
  readonly #known: Walked["known"] = new WeakMap();

  /**
   * The value as JSON. `run.startedAt` and the like may be dates in `variables`. Throws `ExpressionFault` with a message that names the
   * expression.
   * @param meter what it may cost; several evaluations can share one
   */
  evaluate(expression: string, variables: ValueMap, meter: Meter = new Meter()): unknown {
    return bounded(expression, () => this.#plain(this.#value(expression, variables, meter), meter));
  }

  /** JSON with its expressions replaced by their values. The whole template may cost as much as one expression. Throws `ExpressionFault`. */
  evaluateTemplate(template: unknown, variables: ValueMap, meter: Meter = new Meter()): unknown {
    if (typeof template !== "object" && typeof template !== "string") return template;
    return bounded("a template", () => this.#plain(this.#templateValue(template, variables, meter), meter));
  }

  /** What is wrong with an expression whatever its variables hold; undefined: nothing. */
  check(expression: string, scope: Scope, wanted: Wanted = "any"): ExpressionFault | undefined {
    try {
      checkNode(this.#parse(expression).node, scope, { wanted, input: this.#shapeOf(scope.input) });
      return undefined;
    } catch (error) {
      if (error instanceof ExpressionFault) return error;
      throw error;
    }
  }

  checkTemplate(template: unknown, scope: Scope): TemplateFault[] {
    const faults: TemplateFault[] = [];
    this.#eachText(template, (text, path) => {
      try {
        for (const part of this.#partsOf(text)) {
          if (!("expression" in part)) continue;
          const fault = this.check(part.expression, scope);
          if (fault !== undefined) {
            faults.push({ message: fault.message, path, offset: part.offset + (fault.offset ?? 0) });
          }
        }
      } catch (error) {
        if (!(error instanceof ExpressionFault)) throw error;
        faults.push({ message: error.message, path, offset: error.offset ?? 0 });
      }
    });
    return faults;
  }

  /** Throws `ExpressionFault` if the expression cannot be read. */
  namesIn(expression: string): Names {
    return this.#parse(expression).names;
  }

  /** Those of all expressions of a template. Throws `ExpressionFault` if one cannot be read. */
  namesInTemplate(template: unknown): Names {
    const [steps, variables] = [new Set<string>(), new Set<string>()];
    this.#eachText(template, (text) => {
      for (const part of this.#partsOf(text)) {
        if (!("expression" in part)) continue;
        const names = this.namesIn(part.expression);
        for (const step of names.steps) steps.add(step);
        for (const variable of names.variables) variables.add(variable);
      }
    });
    return { steps, variables };
  }

  #plain(value: unknown, meter: Meter): unknown {
    return plainValue(value, { meter, known: this.#known });
  }

  #value(expression: string, variables: ValueMap, meter: Meter): unknown {
    try {
      return new Evaluation(variables, meter).run(this.#parse(expression).node, undefined);
    } catch (error) {
      throw error instanceof ExpressionFault ? failed(expression, error) : error;
    }
  }

  #templateValue(template: unknown, variables: ValueMap, meter: Meter): unknown {
    if (typeof template === "string") return this.#textValue(template, variables, meter);
    if (Array.isArray(template)) return template.map((item) => this.#templateValue(item, variables, meter));
    if (typeof template !== "object" || template === null) return template;
    return Object.fromEntries(
      Object.entries(template).map(([key, value]) => [key, this.#templateValue(value, variables, meter)]),
    );
  }

  #textValue(text: string, variables: ValueMap, meter: Meter): unknown {
    const parts = this.#partsOf(text);
    const only = onlyExpression(parts);
    if (only !== undefined) return this.#value(only.expression, variables, meter);
    const texts = parts.map((part) =>
      "text" in part
        ? part.text
        : textOfTemplate(this.#plain(this.#value(part.expression, variables, meter), meter)),
    );
    meter.spendText(texts.reduce((length, part) => length + part.length, 0));
    return texts.join("");
  }

  #shapeOf(schema: unknown): Shape {
    if (typeof schema !== "object" || schema === null) return ANY;
    const shape = this.#shapes.get(schema) ?? shapeOfSchema(schema);
    this.#shapes.set(schema, shape);
    return shape;
  }

  #parse(expression: string): Parsed {
    return kept(this.#parsed, expression, () => {
      const node = this.#parser.parse(expression);
      return { node, names: namesIn(node) };
    });
  }

  #partsOf(text: string): readonly TemplatePart[] {
    if (!text.includes("${")) return text === "" ? [] : [{ text }];
    return kept(this.#texts, text, () => partsOfText(text));
  }

  #eachText(template: unknown, visit: (text: string, path: readonly (string | number)[]) => void): void {
    const follow = (value: unknown, path: readonly (string | number)[]): void => {
      if (typeof value === "string") visit(value, path);
      else if (Array.isArray(value))
        for (const [index, item] of value.entries()) follow(item, [...path, index]);
      else if (typeof value === "object" && value !== null) {
        for (const [key, member] of Object.entries(value)) follow(member, [...path, key]);
      }
    };
    follow(template, []);
  }
}

function kept<T>(values: Map<string, T>, text: string, make: () => T): T {
  const found = values.get(text);
  if (found !== undefined) return found;
  const made = make();
  const [oldest] = values.keys();
  if (values.size >= MAX_KEPT && oldest !== undefined) values.delete(oldest);
  values.set(text, made);
  return made;
}

/** The stack ends before the limits of an evaluation do if a value is nested thousands of times. */
function bounded(expression: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw failed(expression, new TooCostly("A value is nested too deeply."));
  }
}

function failed(expression: string, fault: ExpressionFault): ExpressionFault {
  return new ExpressionFault(
    `The expression \`${brief(expression.trim())}\` failed: ${fault.message}`,
    fault.offset,
  );
}
