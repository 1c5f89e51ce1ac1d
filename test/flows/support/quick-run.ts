import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import type { Decision, RunMachine } from "../../../platform/flows/run/machine.ts";
import { createMachine } from "../../../platform/flows/run/run-machine.ts";
import { begun } from "./definitions.ts";
import { options } from "./driven-run.ts";

/** A run whose calls end at once, one decision each, without the checks of `DrivenRun`. */
export class QuickRun {
  readonly #machine: RunMachine;

  constructor(definition: FlowDefinition, input: unknown) {
    this.#machine = createMachine(begun(definition, input), options());
  }

  toEnd(): string {
    const open = [];
    let decision: Decision = this.#machine.advance(1_000);
    for (;;) {
      open.push(...decision.starts);
      const next = open.shift();
      if (next === undefined) return decision.row.state;
      this.#machine.ended(next, { output: { json: next.item ?? null } }, 1_000);
      decision = this.#machine.advance(1_000);
    }
  }
}
