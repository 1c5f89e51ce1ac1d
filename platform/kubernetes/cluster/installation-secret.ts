import { randomBytes } from "node:crypto";
import type { Cluster } from "./api.ts";
import { hasStatus } from "./api-error.ts";
import { KINDS, type Secret } from "./resources.ts";

/**
 * Reads the token in a Secret of the installation, and creates the Secret if it does not exist.
 * @throws Error if the Secret exists without a token
 */
export async function loadOrCreateSecret({
  api,
  namespace,
  name,
}: Cluster & { readonly name: string }): Promise<string> {
  const place = { kind: KINDS.secrets, namespace };
  const existing = await api.get<Secret>({ ...place, name });
  if (existing) return tokenOf(existing);
  const token = randomBytes(32).toString("base64url");
  const body = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData: { token } };
  try {
    await api.create<Secret>(place, body);
    return token;
  } catch (error) {
    // Another replica created it first.
    if (!hasStatus(error, 409)) throw error;
    const made = await api.get<Secret>({ ...place, name });
    if (!made) throw error;
    return tokenOf(made);
  }
}

function tokenOf({ metadata, data }: Secret): string {
  const token = Buffer.from(data?.token ?? "", "base64")
    .toString()
    .trim();
  if (token.length < 16) {
    throw new Error(
      `The Secret ${metadata.name} has no token of at least 16 characters under the key "token": delete the Secret and Skiff creates a new one.`,
    );
  }
  return token;
}
