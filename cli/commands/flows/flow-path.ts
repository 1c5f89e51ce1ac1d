/** Names are checked by the API. */
export function flowPath(name: string, rest = ""): string {
  return `/flow/${encodeURIComponent(name)}${rest}`;
}

export function runPath(flow: string, run: string, rest = ""): string {
  return flowPath(flow, `/run/${encodeURIComponent(run)}${rest}`);
}
