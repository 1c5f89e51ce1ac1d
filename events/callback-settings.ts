/** What programs of events read from the environment about callbacks. Errors are texts for the operator. */

type Env = Readonly<Record<string, string | undefined>>;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PREFIX = "whsec_";
const LEAST_SECRET = 16;

/**
 * Reads `SKIFF_CALLBACK_SECRET`. Undefined if there is none.
 * @throws Error, which does not contain the secret
 */
export function callbackSecret({ SKIFF_CALLBACK_SECRET: secret }: Env): string | undefined {
  if (!secret) return undefined;
  const encoded = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : undefined;
  if (encoded !== undefined && !BASE64.test(encoded))
    throw new Error(
      `SKIFF_CALLBACK_SECRET is not base64 after ${PREFIX}: encode the secret, or use plain text.`,
    );
  const bytes = encoded === undefined ? secret.length : Buffer.from(encoded, "base64").length;
  if (bytes >= LEAST_SECRET) return secret;
  throw new Error(`SKIFF_CALLBACK_SECRET has less than ${LEAST_SECRET} bytes: use a longer secret.`);
}
