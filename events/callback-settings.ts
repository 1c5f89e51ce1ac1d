/** What programs of events read from the environment about callbacks. Errors are texts for the operator. */

type Env = Readonly<Record<string, string | undefined>>;

/** A name, an IPv4 address or an IPv6 address in brackets, as URLs have them. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9._-]*)(?::\d{1,5})?$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PREFIX = "whsec_";
const LEAST_SECRET = 16;

/**
 * Parses `SKIFF_CALLBACK_HOSTS`: hosts of URLs, with or without a port, separated by commas.
 * @throws Error
 */
export function callbackHosts({ SKIFF_CALLBACK_HOSTS: text = "" }: Env): ReadonlySet<string> {
  const hosts = text
    .split(",")
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== "");
  const other = hosts.find((host) => !HOST.test(host));
  if (other === undefined) return new Set(hosts);
  const use = "use names or addresses of hosts, such as hooks.internal:8080 or 10.0.0.7, separated by commas";
  throw new Error(`SKIFF_CALLBACK_HOSTS: "${other}" is not a host: ${use}.`);
}

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
