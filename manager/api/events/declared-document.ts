import type { Declared } from "../../../platform/declarations.ts";
import type { Services } from "../services.ts";
import { fromStore } from "../store.ts";
import type { DeclaredKind } from "./declared-kind.ts";

export type Document = Readonly<Record<string, unknown>>;

/** A declaration, or something that others declare by naming it. */
export type Shown = Pick<Declared, "name" | "spec"> & Partial<Declared>;

/**
 * Returns declarations as the API shows them, with what the store has of them. A spec that somebody applied to the cluster
 * may be invalid: `faults` says so.
 */
export async function declaredDocuments(
  services: Services,
  kind: DeclaredKind,
  all: readonly Shown[],
): Promise<readonly Document[]> {
  const now = services.keys.now();
  const checked = all.map((each) => ({ ...each, faults: kind.check(each.spec) }));
  const valid = checked.filter(({ faults }) => faults.length === 0);
  const states =
    valid.length === 0
      ? { found: new Map<string, Document>() }
      : await fromStore(services, () => kind.states(services, valid));
  return checked.map(({ name, spec, createdAt, updatedAt, faults }) => {
    const times = { createdAt, updatedAt };
    if (faults.length > 0) return { name, spec, faults: faults.map(({ detail }) => detail), ...times };
    const state = "found" in states ? { state: states.found.get(name) } : { noState: states.missing };
    const more = createdAt && kind.more?.({ spec, createdAt }, now);
    const warnings = kind.warnings?.(services, spec) ?? [];
    return { name, spec, ...more, ...state, ...(warnings.length === 0 ? {} : { warnings }), ...times };
  });
}
