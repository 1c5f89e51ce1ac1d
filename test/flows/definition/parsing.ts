import assert from "node:assert/strict";
import { cronFault } from "../../../platform/events/cron.ts";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { type FlowFault, parseFlow } from "../../../platform/flows/definition/parse.ts";
import { schemaFault } from "../../../platform/flows/input/json-schema.ts";

export const OPTIONS = {
  limits: { flowSteps: 1_000, flowItems: 10_000 },
  checkCron: cronFault,
  checkSchema: schemaFault,
};

export function definitionOf(text: string, name = "f"): FlowDefinition {
  const { definition, faults } = parseFlow(text, { ...OPTIONS, name });
  assert.deepEqual(faults, undefined);
  return definition!;
}

export function flowFaults(text: string): readonly FlowFault[] {
  return parseFlow(text, { ...OPTIONS, name: "f" }).faults ?? [];
}

/** The faults as `line:column message`. */
export function faultsOf(text: string): readonly string[] {
  return flowFaults(text).map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** The faults of a flow with these steps, one a line from line 2. */
export function faultsOfSteps(...steps: readonly string[]): readonly string[] {
  return faultsOf(`steps:\n${steps.map((step) => `  ${step}\n`).join("")}`);
}
