import { readFileSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { type FlowFault, parseFlow } from "../../../platform/flows/definition/parse.ts";
import { shown } from "../../output/output.ts";
import type { Surroundings } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

/** The defaults of SKIFF_FLOW_STEPS and the like; a Skiff with others judges at the deploy. */
export const FLOW_LIMITS = { flowSteps: 1_000, flowItems: 10_000, flowOutputBytes: 10 * 1024 ** 2 };

export interface FlowFile {
  /** As it was given. */
  readonly path: string;
  /** Of the flow: `flow` in the text, or the name of the file. */
  readonly name: string;
  readonly text: string;
}

/** A flow from a file, or what is wrong with it. */
export type CheckedFlow = FlowFile &
  ({ readonly definition: FlowDefinition } | { readonly faults: readonly FlowFault[] });

/** @throws UsageError for a file that cannot be read */
export function readFlowText(path: string, { cwd }: Pick<Surroundings, "cwd">): string {
  try {
    return readFileSync(resolve(cwd, path), "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** Whether an argument is a file and not the name of a flow. */
export function isFlowFile(argument: string): boolean {
  return /\.(ya?ml|json)$/i.test(argument);
}

/** Reads and checks a file without asking a Skiff. */
export async function readFlow(path: string, surroundings: Pick<Surroundings, "cwd">): Promise<CheckedFlow> {
  const text = readFlowText(path, surroundings);
  const { schemaFault } = await import("../../../platform/flows/input/json-schema.ts");
  const parsed = parseFlow(text, { name: undefined, limits: FLOW_LIMITS, checkSchema: schemaFault });
  // A text without a name is that of its file.
  const name = parsed.definition?.flow ?? nameIn(text) ?? nameOfFile(path);
  if (parsed.definition !== undefined) return { path, name, text, definition: parsed.definition };
  const named = parseFlow(text, { name, limits: FLOW_LIMITS, checkSchema: schemaFault });
  return { path, name, text, ...named };
}

/** @throws UsageError with everything that is wrong */
export async function requireFlow(path: string, surroundings: Pick<Surroundings, "cwd">) {
  const flow = await readFlow(path, surroundings);
  if ("definition" in flow && flow.definition !== undefined) return { ...flow, definition: flow.definition };
  const { faults = [] } = flow as { faults?: readonly FlowFault[] };
  throw new UsageError([`${path} is not a valid flow.`, ...faultLines(path, faults)].join("\n"));
}

/** Lines as compilers print them, with the line of the text below. */
export function faultLines(
  path: string,
  faults: readonly Pick<FlowFault, "line" | "column" | "message" | "lineText">[],
): string[] {
  return faults.flatMap(({ line, column, message, lineText }) => [
    shown(`${path}:${line}:${column}: ${message}`),
    ...(lineText.trim() === "" ? [] : [shown(`    ${lineText.trim()}`)]),
  ]);
}

function nameOfFile(path: string): string {
  return basename(path, extname(path));
}

function nameIn(text: string): string | undefined {
  return /^["']?flow["']?:\s*["']?([a-z][-a-z0-9]*)/m.exec(text)?.[1];
}
