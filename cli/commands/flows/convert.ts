import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { readFlowText } from "./read-flow.ts";

export interface ConvertOptions {
  readonly name?: string;
  readonly function?: readonly string[];
  readonly connector?: readonly string[];
}

/** Prints the text of a flow that was made of the JSON of Klusterfuck, and warnings on standard error. */
export async function convertFlow({ options, out, surroundings }: Task<ConvertOptions>, path: string) {
  const { convertKlusterfuck } = await import("../../../platform/flows/convert/klusterfuck.ts");
  const { ConversionFault } = await import("../../../platform/flows/convert/klusterfuck-model.ts");
  const value = jsonOf(path, readFlowText(path, surroundings));
  const { name, function: functions, connector: connectors } = options;
  try {
    const converted = convertKlusterfuck(value, {
      name,
      functions: namesById(functions, "function"),
      connectors: namesById(connectors, "connector"),
    });
    if (!out.json) for (const warning of converted.warnings) out.note(warning);
    out.result(converted, () => converted.text.trimEnd().split("\n"));
  } catch (error) {
    if (error instanceof ConversionFault)
      throw new UsageError(`${path} cannot be converted: ${error.message}`);
    throw error;
  }
}

function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}.`);
  }
}

/** `7=charge` for each. */
function namesById(texts: readonly string[] = [], option: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, id, name] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (id === undefined || name === undefined) {
        throw new UsageError(
          `--${option} ${text} is not ID=NAME: write the id in Klusterfuck and the name here.`,
        );
      }
      return [id, name];
    }),
  );
}
