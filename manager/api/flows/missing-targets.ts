import { topicsOfFlow } from "../../../platform/declared-flows/triggers.ts";
import { TOPIC_KIND } from "../../../platform/events/kinds.ts";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { namedTopics } from "../events/named-topics.ts";
import type { Services } from "../services.ts";
import { refusedCommands } from "./flow-commands.ts";
import { actionsOf, flowsOf, functionsOf } from "./stored-flow.ts";

type Parts = Pick<Services, "platform" | "flows" | "commandRules">;

/**
 * Names the functions, their versions, the flows and the topics that a definition names and that are not there, and the commands that
 * may not run.
 */
export async function missingTargets(services: Parts, definition: FlowDefinition): Promise<string[]> {
  const functions = functionsOf(definition)
    .filter((name) => services.platform.endpoints(name) === undefined)
    .map((name) => `There is no function "${name}" yet. Steps that call it fail with unknown_function.`);
  return [
    ...functions,
    ...missingVersions(services, definition),
    ...(await missingFlows(services, definition)),
    ...(await undeclaredTopics(services, definition)),
    ...refusedCommands(services, definition),
  ];
}

function missingVersions({ platform }: Parts, definition: FlowDefinition): readonly string[] {
  const missing = actionsOf(definition).flatMap((action) => {
    if (action.kind !== "fn" || action.version === undefined) return [];
    const { function: name, version } = action;
    const kept = platform.endpoints(name)?.versions.map((each) => each.version);
    if (kept === undefined || kept.includes(version)) return [];
    const others = kept.length === 0 ? "none" : kept.slice(-10).join(", ");
    return `The function "${name}" has no version ${version} (kept: ${others}). Steps that call it fail with unknown_version.`;
  });
  return [...new Set(missing)];
}

async function missingFlows({ platform }: Parts, definition: FlowDefinition): Promise<string[]> {
  const missing: string[] = [];
  for (const name of flowsOf(definition)) {
    if (name === definition.flow || (await platform.declarations.get(FLOW_KIND, name)) !== undefined)
      continue;
    missing.push(`There is no flow "${name}" yet. Steps that begin it fail with unknown_flow.`);
  }
  return missing;
}

/** The name may be misspelt. A flow that gets the events of its own steps is no mistake. */
async function undeclaredTopics(services: Parts, definition: FlowDefinition): Promise<string[]> {
  const { triggers, waits, publishes } = topicsOfFlow(definition);
  const wanted = new Set([...waits, ...publishes].filter((topic) => !triggers.includes(topic)));
  if (wanted.size === 0) return [];
  const named = await namedTopics(services, definition.flow);
  const missing: string[] = [];
  for (const topic of wanted) {
    if (named.has(topic)) continue;
    if ((await services.platform.declarations.get(TOPIC_KIND, topic)) !== undefined) continue;
    const effect = waits.includes(topic)
      ? "It takes events as long as the flow names it."
      : 'Its events are kept for a later subscription with "from: earliest".';
    missing.push(`Nobody has declared the topic "${topic}", and nobody subscribes to it. ${effect}`);
  }
  return missing;
}
