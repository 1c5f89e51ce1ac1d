import { isDeepStrictEqual } from "node:util";
import type { Declared } from "../platform/declarations.ts";
import { readDeclaredFlow } from "../platform/declared-flows/declared-flow.ts";
import { topicsOfFlow } from "../platform/declared-flows/triggers.ts";
import { type Followed, followDeclarations } from "../platform/events/follow-declarations.ts";
import type { FlowDefinition } from "../platform/flows/definition/definition.ts";
import { FLOW_KIND } from "../platform/flows/kinds.ts";
import type { EventServices } from "./services.ts";

/** A flow whose text is valid. */
export interface TriggeredFlow extends Pick<FlowDefinition, "flow" | "on"> {
  readonly createdAt: Date;
  /** All that it names: they take events. */
  readonly topics: readonly string[];
}

/**
 * Gets each flow whose triggers are new or have changed; without one if it was removed. `unclear`: the flow has no valid text, and had
 * none since the program began. While a text is not valid, the last valid one stays in force.
 */
export type TriggersListener = (name: string, flow: TriggeredFlow | "unclear" | undefined) => void;

/** Follows the triggers of the declared flows. `loaded` and `isCurrent` are as of `followDeclarations`. */
export function followTriggers(
  { platform, limits, print }: Pick<EventServices, "platform" | "limits" | "print">,
  listener: TriggersListener,
): Followed {
  const known = new Map<string, TriggeredFlow | "unclear">();
  // One after the other, so that the last text of a flow wins.
  let reading: Promise<void> = Promise.resolve();
  const change = (name: string, flow: TriggeredFlow | "unclear" | undefined) => {
    if (isDeepStrictEqual(known.get(name), flow)) return;
    if (flow === undefined) known.delete(name);
    else known.set(name, flow);
    listener(name, flow);
  };
  const read = async (name: string, declared: Declared | undefined) => {
    if (declared === undefined) return change(name, undefined);
    const flow = await readDeclaredFlow(declared, limits);
    if ("definition" in flow) {
      const { triggers, waits, publishes } = topicsOfFlow(flow.definition);
      const topics = [...triggers, ...waits, ...publishes];
      return change(name, { flow: name, on: flow.definition.on, createdAt: declared.createdAt, topics });
    }
    // The engine of flows, and the status, say what is wrong with it.
    if (!known.has(name)) change(name, "unclear");
  };
  const followed = followDeclarations(platform.declarations, FLOW_KIND, (name, declared) => {
    reading = reading
      .then(() => read(name, declared))
      .catch((error: Error) => print(`the triggers of the flow ${name} are not known: ${error.message}`));
  });
  return {
    loaded: followed.loaded.then(async (reason) => {
      await reading;
      return reason;
    }),
    async isCurrent() {
      const isCurrent = await followed.isCurrent();
      await reading;
      return isCurrent;
    },
    close: () => followed.close(),
  };
}
