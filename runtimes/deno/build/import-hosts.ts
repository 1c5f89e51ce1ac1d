/** Hosts that Deno trusts by default. */
const DEFAULT_HOSTS = [
  "deno.land",
  "jsr.io",
  "esm.sh",
  "raw.esm.sh",
  "cdn.jsdelivr.net",
  "raw.githubusercontent.com",
  "gist.githubusercontent.com",
];

/**
 * Hosts that modules may be imported from. A list, because Deno checks ranges of addresses for IPv4 only: with any public
 * host, a name with a private IPv6 address would lead to the neighbours of this machine.
 */
export class ImportHosts {
  /** Each as `host:port`, the form that Deno's `--allow-import` takes. */
  readonly allowed: readonly string[];

  /** @param added hosts of the operator, `host` (port 443) or `host:port`; loopback is allowed */
  constructor(added: readonly string[]) {
    const named = [...DEFAULT_HOSTS, ...added.map((host) => host.trim())].map((host) =>
      /:\d+$/.test(host) ? host : `${host}:443`,
    );
    this.allowed = [...new Set(named.map((host) => host.toLowerCase()))];
  }

  /** Returns why an import is refused; undefined if it is allowed. Packages (`npm:`, `jsr:`) have their registry. */
  refuse(specifier: string): string | undefined {
    if (/^(npm|jsr):/.test(specifier)) return undefined;
    if (!URL.canParse(specifier)) return `"${specifier}" is not a valid URL`;
    const { protocol, hostname, port, username } = new URL(specifier);
    if (username !== "") return "a URL with a user name cannot be imported";
    const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
    if (this.allowed.includes(host)) return undefined;
    return refusal(host);
  }
}

/** @param host `host:port` */
export function refusal(host: string): string {
  return `imports from ${host.replace(/:443$/, "")} are refused; the operator can allow a host with SKIFF_IMPORT_HOSTS`;
}
