import type { Call } from "./services.ts";

/** Where the function is called. Without a public URL it is wherever this request came to. */
export function functionUrl(ctx: Call, publicUrl: string | undefined, name: string): string {
  const base = publicUrl?.replace(/\/+$/, "") ?? `http://${ctx.req.headers.host}`;
  return `${base}/fn/${name}`;
}
