import type { ValueCheck, ValueFault } from "../../platform/flows/input/json-schema.ts";
import type { Flow } from "./flow-table.ts";

/** Checks inputs by the schemas of flows, each of which is compiled once. */
export class InputChecks {
  readonly #checks = new WeakMap<Flow, ValueCheck>();

  /** Returns what is wrong with an input; nothing if the flow has no schema. */
  async faults(flow: Flow, input: unknown): Promise<readonly ValueFault[]> {
    const { input: schema } = flow.definition;
    if (schema === undefined) return [];
    let check = this.#checks.get(flow);
    if (check === undefined) {
      // The validator is large, and most flows have no schema.
      const { compileSchema } = await import("../../platform/flows/input/json-schema.ts");
      const compiled = compileSchema(schema);
      check = "check" in compiled ? compiled.check : () => [{ pointer: "", message: compiled.fault }];
      this.#checks.set(flow, check);
    }
    return check(input);
  }
}
