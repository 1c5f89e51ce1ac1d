import { RunDescriber } from "../../../platform/flows/description/run-describer.ts";
import type { KeptValue } from "../../../platform/flows/run/entry.ts";
import type { RunRecord, Runs } from "../../../store/flows/runs.ts";
import { entriesOf } from "./entries.ts";
import { unknownRun } from "./visible-runs.ts";

/**
 * Reads all entries of a run.
 * @throws Problem `unknown_run` if it was removed meanwhile
 */
export async function readRun(
  runs: Pick<Runs, "entries">,
  { id, flow }: Pick<RunRecord, "id" | "flow">,
): Promise<RunDescriber> {
  let describer: RunDescriber | undefined;
  for await (const entry of entriesOf(runs, id)) {
    if (entry.kind === "begun") describer = new RunDescriber(entry);
    else describer?.add(entry);
  }
  if (describer === undefined) throw unknownRun(flow, id);
  return describer;
}

/** A value by its name, or what is known of one that is kept as a body: `input`, `inputBody`. */
export function shownValue(name: "input" | "output", value: KeptValue | undefined): Record<string, unknown> {
  if (value === undefined) return {};
  if ("json" in value) return { [name]: value.json };
  return { [`${name}Body`]: { bytes: value.bytes, type: value.type } };
}
