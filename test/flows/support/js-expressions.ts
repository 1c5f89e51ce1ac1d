import type { Expressions, Names, Variables } from "../../../platform/flows/run/expressions.ts";

/** Evaluates JavaScript where flows have CEL: tests of the machine are about what it does with values. */
export const JS_EXPRESSIONS: Expressions = {
  evaluate: run,
  evaluateTemplate: template,
  namesIn: names,
  namesInTemplate: (value) => names(JSON.stringify(value) ?? ""),
};

function run(expression: string, variables: Variables): unknown {
  const keys = Object.keys(variables);
  return new Function(...keys, `return (${expression})`)(...keys.map((key) => variables[key]));
}

function template(value: unknown, variables: Variables): unknown {
  if (typeof value === "string") {
    const [, whole] = /^\$\{([^}]*)\}$/.exec(value) ?? [];
    if (whole !== undefined) return run(whole, variables);
    return value.replace(/\$\{([^}]*)\}/g, (_, expression) => String(run(expression, variables)));
  }
  if (Array.isArray(value)) return value.map((element) => template(element, variables));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, template(member, variables)]));
}

function names(text: string): Names {
  const steps = [...text.matchAll(/\bsteps\.([a-z][a-z0-9_]*)/g)].map(([, name]) => name!);
  const variables = [...text.matchAll(/(?<![.\w])([a-z]+)\b/g)].map(([, name]) => name!);
  return { steps: new Set(steps), variables: new Set(variables) };
}
