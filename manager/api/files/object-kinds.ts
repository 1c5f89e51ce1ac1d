import type { ObjectKind } from "../../files/object-kind.ts";
import type { DeclaredKind } from "../events/declared-kind.ts";
import { SCHEDULES } from "../events/schedules.ts";
import { SUBSCRIPTIONS } from "../events/subscriptions.ts";
import { TOPICS } from "../events/topics.ts";
import type { Services } from "../services.ts";

const KINDS: readonly DeclaredKind[] = [TOPICS, SUBSCRIPTIONS, SCHEDULES];

/** What a folder can have besides functions, in the order in which it is created. */
export function objectKinds(services: Services): readonly ObjectKind[] {
  return KINDS.map(({ kind, noun, plural, check, clash, afterPut, afterRemoval }) => ({
    ...{ kind, noun, plural, check },
    clash: (spec, others) => clash?.(spec, others),
    afterPut: async (name, spec) => await afterPut?.(services, name, spec),
    afterRemoval: async (name) => await afterRemoval?.(services, name),
  }));
}
