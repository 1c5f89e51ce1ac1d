import { SCOPES } from "../../platform/keys/scopes.ts";
import type { KeyRegistry } from "./key-registry.ts";

/** The name of keys that a sign-in at the dashboard creates, and who creates them. */
const NAME = "dashboard";
const VALID_MS = 7 * 86_400_000;
/** Keys read at a time while expired ones are looked for. */
const PAGE = 100;

/** Creates a key with every scope for a browser that signed in with the token of the start, and revokes expired ones. */
export async function createDashboardKey(
  registry: KeyRegistry,
  nowMs: number,
): Promise<{ key: string; expiresAt: string }> {
  await revokeExpired(registry, nowMs);
  const expiresAt = new Date(nowMs + VALID_MS).toISOString();
  const { text } = await registry.create({ name: NAME, scopes: SCOPES, expiresAt, createdBy: NAME });
  return { key: text, expiresAt };
}

/** Nobody signs out of a browser that is closed for good. */
async function revokeExpired(registry: KeyRegistry, nowMs: number): Promise<void> {
  let after: string | undefined;
  do {
    const page = await registry.list({ after, limit: PAGE });
    for (const { id, spec } of page) {
      const isOurs = spec?.name === NAME && spec.createdBy === NAME;
      if (isOurs && Date.parse(spec.expiresAt ?? "") < nowMs) await registry.revoke(id);
    }
    after = page.length < PAGE ? undefined : page.at(-1)!.id;
  } while (after !== undefined);
}
