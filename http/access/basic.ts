/**
 * Returns the key or token of `Authorization: Basic` (RFC 7617) as that of `Bearer`, for programs that know names and
 * passwords alone. It is the password, or the name where that is empty. Otherwise the name is ignored.
 */
export function bearerFromBasic(authorization: readonly string[] = []): readonly string[] {
  const [only] = authorization;
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(only ?? "")?.[1];
  if (authorization.length !== 1 || encoded === undefined) return authorization;
  const [, name = "", password = ""] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  return [`Bearer ${password === "" ? name : password}`];
}
