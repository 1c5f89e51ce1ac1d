/** Hosts that `https:` imports may come from: those that Deno trusts by itself. */
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
 * Where modules may come from over HTTP. Not "any public host": Deno checks ranges of addresses for IPv4
 * only, so a name with a private IPv6 address would lead to the neighbours of this machine.
 */
export class ImportHosts {
  /** Each as `host:port`, the form that Deno's `--allow-import` takes. */
  readonly allowed: readonly string[];

  /** @param added operator's additions, `host` (port 443) or `host:port`; they may be on loopback */
  constructor(added: readonly string[]) {
    const named = [...DEFAULT_HOSTS, ...added.map((host) => host.trim())].map((host) =>
      /:\d+$/.test(host) ? host : `${host}:443`,
    );
    this.allowed = [...new Set(named.map((host) => host.toLowerCase()))];
  }

  /** Why this import may not be; undefined if it may. Packages (`npm:`, `jsr:`) have their registry. */
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
