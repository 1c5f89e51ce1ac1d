type Env = Readonly<Record<string, string | undefined>>;

/** A name, an IPv4 address or an IPv6 address in brackets, as URLs have them. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9._-]*)(?::\d{1,5})?$/;

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
