import { readDeclaredFlow } from "../../../platform/declared-flows/declared-flow.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import { yamlText } from "../../files/yaml-text.ts";
import type { Services } from "../services.ts";
import { refusedCommands, requireCommands } from "./flow-commands.ts";
import { functionsOf, joinTopics, numberVersion } from "./stored-flow.ts";

/** Flows of a folder: each is a text in a file, or the members of a flow in the manifest. */
export function flowKind(services: Services): ObjectKind {
  const { limits, platform, store } = services;
  return {
    ...{ kind: FLOW_KIND, noun: "flow", plural: "flows" },
    async check(spec, name) {
      const read = await readDeclaredFlow({ name, spec }, limits);
      if (!("faults" in read)) return [];
      return read.faults.map(({ message, pointer, ...place }) => ({ pointer, detail: message, place }));
    },
    async functionsOf(spec, name) {
      const read = await readDeclaredFlow({ name, spec }, limits);
      return "definition" in read ? functionsOf(read.definition) : [];
    },
    async warningsOf(spec, name) {
      const read = await readDeclaredFlow({ name, spec }, limits);
      return "definition" in read ? refusedCommands(services, read.definition) : [];
    },
    async authorize(spec, { name, principal }) {
      const read = await readDeclaredFlow({ name, spec }, limits);
      if ("definition" in read) requireCommands(principal, read.definition);
    },
    textOf: async (spec) => (typeof spec.source === "string" ? spec.source : await yamlText(spec)),
    async put(name, spec, { by, message }) {
      const flow = await readDeclaredFlow({ name, spec }, limits);
      if ("hash" in flow) await numberVersion(services, { name, flow, by, message });
      await platform.declarations.put(FLOW_KIND, name, { spec });
      if ("hash" in flow) await joinTopics(services, flow);
    },
    clash: () => undefined,
    afterPut: async () => {},
    afterRemoval: async (name) => await store?.runs?.versions.remove(name),
  };
}
