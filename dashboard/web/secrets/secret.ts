import { api } from "../api/client.ts";
import { ApiProblem } from "../api/problem.ts";
import { showProblem, showWritten } from "../ui/toast.tsx";

/** A secret as `GET /secret` lists it; values are never answered. */
export interface Secret {
  readonly name: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A version of a function that uses a secret. */
export interface SecretUser {
  readonly name: string;
  readonly version: number;
  /** Null for the secret of a registry: a pull takes the newest value. */
  readonly secretVersion: number | null;
}

interface PutAnswer {
  readonly version: number;
  readonly created: boolean;
  readonly unchanged: boolean;
  readonly functions: readonly { readonly name: string; readonly version: number }[];
  readonly failed: readonly { readonly name: string; readonly detail: string }[];
}

/** Stores a value and says which functions have it now. @param isNew refuses a name that is taken */
export async function putSecret(name: string, value: string, isNew = false): Promise<void> {
  const path = `/secret/${encodeURIComponent(name)}`;
  const answer = await api.send<PutAnswer>("PUT", path, {
    body: value,
    headers: { "content-type": "application/octet-stream", ...(isNew ? { "if-none-match": "*" } : {}) },
  });
  const { functions, failed, unchanged, version } = answer;
  for (const each of failed) {
    showProblem(
      new ApiProblem(422, { detail: `${each.name} goes on with the value before: ${each.detail}` }),
    );
  }
  const users = functions.map((each) => each.name).join(", ");
  const taken = users === "" ? "" : ` ${users} ${functions.length === 1 ? "has" : "have"} it now.`;
  const done = unchanged
    ? `${name} has this value already.`
    : `${name} is stored as version ${version}.${taken}`;
  await showWritten(done, {
    stored: `${name} is stored as version ${version}.`,
    read: () => api.get<Secret>(path),
    differs: (now) => (now.version === version ? undefined : `it has version ${now.version}`),
  });
}
