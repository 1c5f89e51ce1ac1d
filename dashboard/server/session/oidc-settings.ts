/** How people sign in with an OpenID Connect issuer. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Of a confidential client; PKCE protects others. */
  readonly clientSecret?: string | undefined;
  /** The audience that the API expects of tokens. */
  readonly audience: string;
  /** The scopes that the issuer is asked for. */
  readonly scope: string;
}

const SCOPE = "openid profile email";

/**
 * Reads the variables of the sign-in. Undefined without `SKIFF_OIDC_CLIENT`.
 * @throws Error with a text for the operator
 */
export function oidcSettings(env: Readonly<Record<string, string | undefined>>): OidcSettings | undefined {
  const { SKIFF_OIDC_ISSUER: issuer, SKIFF_OIDC_AUDIENCE: audience, SKIFF_OIDC_CLIENT: clientId } = env;
  if (!clientId) return undefined;
  if (!issuer || !audience) {
    throw new Error(
      "SKIFF_OIDC_CLIENT needs SKIFF_OIDC_ISSUER and SKIFF_OIDC_AUDIENCE: set them, or remove it.",
    );
  }
  const clientSecret = env.SKIFF_OIDC_CLIENT_SECRET || undefined;
  return { issuer, audience, clientId, clientSecret, scope: env.SKIFF_OIDC_CLIENT_SCOPE || SCOPE };
}
