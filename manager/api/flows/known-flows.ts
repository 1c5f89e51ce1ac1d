import type { Declared } from "../../../platform/declarations.ts";
import {
  type DeclaredFlow,
  readDeclaredFlow,
  type ValidFlow,
} from "../../../platform/declared-flows/declared-flow.ts";
import type { FlowFault } from "../../../platform/flows/definition/parse.ts";
import type { Limits } from "../../../platform/limits.ts";
import { Problem, type SourceError } from "../../../platform/problems.ts";

const MOST_KEPT = 500;

/** Reads flows. Keeps those that are declared, the newest 500. */
export class KnownFlows {
  readonly #limits: Limits;
  readonly #kept = new Map<string, DeclaredFlow>();

  constructor({ limits }: { readonly limits: Limits }) {
    this.#limits = limits;
  }

  async read(declared: Pick<Declared, "name" | "revision" | "spec">): Promise<DeclaredFlow> {
    const key = `${declared.name}@${declared.revision}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const read = await readDeclaredFlow(declared, this.#limits);
    this.#kept.set(key, read);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
    return read;
  }

  /** @throws Problem `invalid_flow` with the place of each fault */
  async require(name: string, text: string): Promise<ValidFlow> {
    const read = await readDeclaredFlow({ name, spec: { source: text } }, this.#limits);
    if ("faults" in read) throw invalidFlow(name, read.faults);
    return read;
  }
}

/** As errors of a problem. Their file has the name of the flow. */
export function flowErrors(name: string, faults: readonly FlowFault[]): readonly SourceError[] {
  return faults.map(({ message, line, column, lineText }) => ({
    ...{ message, file: `${name}.yaml`, line, column, lineText },
  }));
}

export function invalidFlow(name: string, faults: readonly FlowFault[]): Problem {
  const errors = flowErrors(name, faults);
  const { file, line, column, message, lineText } = errors[0]!;
  const more = errors.length - 1;
  const others = more === 0 ? "" : `\n(and ${more} more ${more === 1 ? "error" : "errors"})`;
  const detail = `${file}:${line}:${column}: ${message}\n  ${line} | ${lineText}${others}`;
  return new Problem("invalid_flow", detail, { errors });
}
