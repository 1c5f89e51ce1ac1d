/** Where a server is reached that listens on all addresses. */
export const LOOPBACK: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

/** @param host a name or an address without brackets */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** @throws Error with a text for the operator, if a variable has no base URL */
export function checkBaseUrl(variable: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return text;
  throw new Error(`${variable}=${text} is not a valid base URL: use one like https://functions.example.com.`);
}
