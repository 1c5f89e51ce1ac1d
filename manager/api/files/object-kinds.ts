import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import type { DeclaredKind } from "../events/declared-kind.ts";
import { SCHEDULES } from "../events/schedules.ts";
import { SUBSCRIPTIONS } from "../events/subscriptions.ts";
import { TOPICS } from "../events/topics.ts";
import { flowKind } from "../flows/flow-kind.ts";
import type { Services } from "../services.ts";

/** What a folder can have besides functions, in the order in which it is created. */
export function objectKinds(services: Services): readonly ObjectKind[] {
  const of = (kind: DeclaredKind) => objectKind(services, kind);
  return [of(TOPICS), flowKind(services), of(SUBSCRIPTIONS), of(SCHEDULES)];
}

function objectKind(services: Services, declared: DeclaredKind): ObjectKind {
  const { kind, noun, plural, check, clash, afterPut, afterRemoval } = declared;
  return {
    ...{ kind, noun, plural, check },
    functionsOf: ({ function: subscriber, call }) => {
      const target = subscriber ?? (isRecord(call) ? call.function : undefined);
      return typeof target === "string" ? [target] : [];
    },
    clash: (spec, others) => clash?.(spec, others),
    afterPut: async (name, spec) => await afterPut?.(services, name, spec),
    afterRemoval: async (name) => await afterRemoval?.(services, name),
  };
}
