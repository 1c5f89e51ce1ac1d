import type { ServerResponse } from "node:http";

/** The policy of the page: code, styles, data and images of this origin alone, and no frames. */
function contentPolicy(nonce?: string): string {
  const styles = nonce === undefined ? "'self'" : `'self' 'nonce-${nonce}'`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** For answers that are data: a browser that showed one would run nothing of it. */
const DATA_POLICY =
  "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FIELDS: Readonly<Record<string, string>> = {
  "content-security-policy": contentPolicy(),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "permissions-policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()",
  "cache-control": "no-store",
};

/** Sets the fields that every answer has. */
export function protect(response: ServerResponse): void {
  for (const [name, value] of Object.entries(FIELDS)) response.setHeader(name, value);
}

/** Lets the page use styles with this nonce: the editor makes its own. */
export function allowStyles(response: ServerResponse, nonce: string): void {
  response.setHeader("content-security-policy", contentPolicy(nonce));
}

/** Marks an answer as data that comes from elsewhere. */
export function sandbox(response: ServerResponse): void {
  response.setHeader("content-security-policy", DATA_POLICY);
}
