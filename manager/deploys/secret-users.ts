import type { Platform } from "../../platform/platform.ts";
import { toProblem } from "../../platform/problems.ts";
import type { SecretDescription } from "../../platform/secrets.ts";
import type { Deploys } from "./deploys.ts";

export interface Refreshed {
  /** Functions with a new version that has the newest value. */
  readonly functions: readonly { readonly name: string; readonly version: number }[];
  /** Functions that go on with the value before. */
  readonly failed: readonly { readonly name: string; readonly code: string; readonly detail: string }[];
}

/**
 * Gives every function in use the newest value of a secret. Resolves when calls reach the new versions. A failure of one
 * function leaves it as it is and affects no other.
 */
export async function refreshUsers(
  platform: Platform,
  deploys: Deploys,
  { secret, by }: { readonly secret: string; readonly by: string },
): Promise<Refreshed> {
  const note = { by, message: `secret ${secret} changed` };
  const described = await platform.secrets.describe(secret);
  // A deploy under way may have chosen the version before.
  const names = [...new Set([...usersOf(described), ...deploys.underWay])].sort();
  const functions: { name: string; version: number }[] = [];
  const failed: { name: string; code: string; detail: string }[] = [];
  const refresh = async (name: string) => {
    try {
      const version = await deploys.refreshSecrets(name, note);
      if (version !== undefined) functions.push({ name, version });
    } catch (error) {
      const { code, detail } = toProblem(error);
      // It was removed meanwhile.
      if (code !== "unknown_function") failed.push({ name, code, detail });
    }
  };
  await Promise.all(names.map(refresh));
  return { functions: functions.sort(byName), failed: failed.sort(byName) };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function usersOf(described: SecretDescription | undefined): string[] {
  return (described?.users ?? []).map(({ name }) => name);
}

/** Returns the functions that ask for a secret in a version with traffic, or in their current one. */
export async function functionsInUse(platform: Platform, described: SecretDescription): Promise<string[]> {
  const byName = Map.groupBy(described.users, ({ name }) => name);
  const names = await Promise.all(
    [...byName].map(async ([name, users]) => {
      const traffic = platform.endpoints(name)?.traffic ?? [];
      const current = traffic.length === 0 ? (await platform.find(name))?.version : undefined;
      const isUsed = users.some(
        ({ version }) => version === current || traffic.some((share) => share.version === version),
      );
      return isUsed ? [name] : [];
    }),
  );
  return names.flat().sort();
}
