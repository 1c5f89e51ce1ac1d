import { createHmac } from "node:crypto";
import type { Bodies, StoredBody } from "../../store/bodies.ts";

export interface SignedMessage {
  readonly id: string;
  readonly body: StoredBody;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Signs a message as Standard Webhooks say (https://www.standardwebhooks.com): HMAC-SHA256 over id, time and body.
 * @param secret `whsec_` and base64, or any text
 * @returns header fields, names and values in turn
 */
export async function signatureFields(
  secret: string,
  { id, body, now }: SignedMessage,
  bodies: Pick<Bodies, "read">,
): Promise<string[]> {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  const timestamp = String(Math.floor(now / 1_000));
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`);
  if ("inline" in body) hmac.update(body.inline);
  else for await (const part of bodies.read(body)) hmac.update(part);
  const signature = `v1,${hmac.digest("base64")}`;
  return ["webhook-id", id, "webhook-timestamp", timestamp, "webhook-signature", signature];
}
