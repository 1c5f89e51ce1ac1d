const JSR = "https://jsr.io/";

/** The part of a lock that names remote modules. */
interface Lock {
  readonly remote?: Readonly<Record<string, string>>;
  readonly redirects?: Readonly<Record<string, string>>;
  readonly jsr?: Readonly<Record<string, unknown>>;
}

/** Returns the hosts, as `host:port`, of the remote modules that were installed, by their lock. */
export function remoteHosts(lock: Uint8Array | undefined, jsrUrl = JSR): string[] {
  const {
    remote = {},
    redirects = {},
    jsr = {},
  } = (lock ? JSON.parse(Buffer.from(lock).toString()) : {}) as Lock;
  const urls = [...Object.keys(remote), ...Object.entries(redirects).flat()];
  if (Object.keys(jsr).length > 0) urls.push(jsrUrl);
  return [...new Set(urls.flatMap((url) => hostOf(url)))].sort();
}

function hostOf(url: string): string[] {
  if (!/^https?:/i.test(url) || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  return [`${hostname}:${port || (protocol === "https:" ? 443 : 80)}`];
}
