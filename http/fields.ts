/** Header fields, as lists of names and values in turn, and those that one server does not pass on to the next. */

/** Fields of one connection (RFC 9110 7.6.1), in their usual spelling. */
export const HOP_FIELDS: readonly string[] =
  "Connection Keep-Alive Proxy-Connection TE Trailer Transfer-Encoding Upgrade".split(" ");
/** Fields of a client that no function gets, in their usual spelling: for a server on the way, or set anew by Skiff. */
export const WITHHELD_FIELDS: readonly string[] = [
  ...HOP_FIELDS,
  ...["Expect", "HTTP2-Settings", "Proxy-Authenticate", "Proxy-Authorization", "Forwarded"],
  ...["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto"],
];

/** Names of fields that carry credentials, or look as if they did. */
const CREDENTIAL =
  /^(?!idempotency-key$)(?:(?:set-)?cookie|proxy-.*|x-skiff-env-.*|.*(?:token|secret|signature|password|credential|session|api-?key|jwt).*|(?:.*[-_])?(?:key|auth|authorization|authentication)(?:[-_].*)?)$/i;

/** Reports whether a header field carries credentials, as its name tells. */
export function isCredentialField(name: string): boolean {
  return CREDENTIAL.test(name);
}

/** Returns the names that a Connection field lists besides the usual words; undefined if there are none. */
export function connectionNames(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  const names = new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
  // A client cannot hide the host or the framing of the body from Skiff.
  for (const kept of ["host", "content-length", "close", "keep-alive", ""]) names.delete(kept);
  return names.size > 0 ? names : undefined;
}

/** Returns the value of the first field with a name in lower case; undefined if there is none. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === name);
  return at < 0 ? undefined : fields[at + 1];
}

/** Returns the fields without those whose names, in lower case, are dropped. */
export function fieldsWithout(fields: readonly string[], isDropped: (name: string) => boolean): string[] {
  return fields.filter((_, index) => !isDropped(fields[index - (index % 2)]!.toLowerCase()));
}
