import { QUOTA_QUERY, type Quota } from "./quota.ts";
import type { FunctionAccess, Settings } from "./settings.ts";

/** From the one that lets in most callers. */
const BY_STRICTNESS: readonly FunctionAccess[] = ["public", "key", "internal"];

/** Returns whether `after` lets in callers that `before` refuses. */
export function loosensAccess({ access: before }: Settings, { access: after }: Settings): boolean {
  return BY_STRICTNESS.indexOf(after) < BY_STRICTNESS.indexOf(before);
}

/**
 * Says what a change of the current version permits that was not permitted before: access for more callers, and calls
 * beyond a quota that is gone.
 * @returns a sentence for each
 */
export function loosenings(name: string, before: Settings, after: Settings): string[] {
  const found: string[] = [];
  if (loosensAccess(before, after)) {
    const what = `Calls of "${name}" have access=${after.access} now instead of ${before.access}`;
    found.push(
      `${what}, as this version was deployed: PATCH /func/${name} with {"access": "${before.access}"}.`,
    );
  }
  for (const member of Object.keys(QUOTA_QUERY) as (keyof Quota)[]) {
    const limit = before.quota[member];
    if (limit === undefined || after.quota[member] !== undefined) continue;
    const patch = JSON.stringify({ quota: { [member]: limit } });
    found.push(
      `"${name}" has no quota.${member} now, which was ${limit}: PATCH /func/${name} with ${patch}.`,
    );
  }
  return found;
}
