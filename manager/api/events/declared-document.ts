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
  const checked = await Promise.all(
    all.map(async (each) => ({ ...each, faults: await kind.check(each.spec) })),
  );
  const valid = checked.filter(({ faults }) => faults.length === 0);
  const read =
    valid.length === 0
      ? { found: new Map<string, Document>() }
      : await fromStore(services, () => kind.states(services, valid));
  return await Promise.all(
    checked.map(async ({ name, spec, createdAt, updatedAt, faults }) => {
      const isValid = faults.length === 0;
      const state = "found" in read ? { state: read.found.get(name) } : { noState: read.missing };
      return {
        ...{ name, spec },
        ...(isValid ? { ...(await kind.more?.(name, spec, now)), ...state } : {}),
        ...(isValid ? {} : { faults: faults.map(({ detail }) => detail) }),
        ...{ createdAt, updatedAt },
      };
    }),
  );
}
