import type { IncomingMessage } from "node:http";
import type * as Client from "openid-client";
import { isLoopbackHost } from "../../../http/access/host.ts";
import { Problem } from "../../../platform/problems.ts";
import type { DashboardOptions } from "../options.ts";
import { originOf } from "../policy/origin.ts";
import type { OidcSettings } from "./oidc-settings.ts";

/** What the page keeps until the issuer sends it back. */
export interface BegunSignIn {
  readonly url: string;
  readonly state: string;
  readonly verifier: string;
}

type Tokens = Pick<Client.TokenEndpointResponse, "access_token" | "id_token" | "refresh_token">;

/** The path to which the issuer sends browsers back. */
const RETURN_PATH = "/signed-in";
const ANSWER_S = 10;

/** Signs people in with the authorization code flow and PKCE (RFC 7636). */
export class OidcSignIn {
  readonly #settings: OidcSettings;
  readonly #options: DashboardOptions;
  /** Undefined until somebody signs in, and after a failure. */
  #client: Promise<{ client: typeof Client; config: Client.Configuration }> | undefined;
  #isFailing = false;

  constructor(settings: OidcSettings, options: DashboardOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** @throws Problem `not_ready` */
  async begin(request: IncomingMessage): Promise<BegunSignIn> {
    const { client, config } = await this.#open();
    const [state, verifier] = [client.randomState(), client.randomPKCECodeVerifier()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: this.#returnUrl(request),
      scope: this.#settings.scope,
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    return { url: url.href, state, verifier };
  }

  /**
   * Exchanges the code of the issuer for a token.
   * @throws Problem `unauthorized`, `invalid_request`, `not_ready`
   */
  async finish(request: IncomingMessage, members: Readonly<Record<string, unknown>>): Promise<object> {
    const { state, verifier, search } = members;
    if (typeof state !== "string" || typeof verifier !== "string" || typeof search !== "string") {
      throw new Problem(
        "invalid_request",
        "Send state, verifier and search, the query of the return address.",
      );
    }
    const { client, config } = await this.#open();
    const url = new URL(this.#returnUrl(request));
    url.search = search;
    const checks = { expectedState: state, pkceCodeVerifier: verifier };
    const tokens = await client
      .authorizationCodeGrant(config, url, checks)
      .catch((error: Error) => this.#refused(client, error));
    return this.#answer(tokens);
  }

  /**
   * Exchanges a refresh token for a newer token. Its ID token is optional (OpenID Connect Core 12.2): without one, an access
   * token that only the issuer can read would be refused by the API for ever.
   * @throws Problem `unauthorized`, `invalid_request`, `not_ready`
   */
  async refresh({ refresh }: Readonly<Record<string, unknown>>): Promise<object> {
    if (typeof refresh !== "string" || refresh === "") throw noRefreshToken();
    const { client, config } = await this.#open();
    const tokens = await client
      .refreshTokenGrant(config, refresh)
      .catch((error: Error) => this.#refused(client, error));
    if (tokens.id_token === undefined && !this.#isForApi(tokens.access_token)) {
      throw new Problem("unauthorized", "The issuer sent no newer token for Skiff: sign in again.");
    }
    return this.#answer(tokens);
  }

  /**
   * Revokes a refresh token (RFC 7009), if the issuer has an endpoint for that.
   * @throws Problem `invalid_request`, `not_ready`
   */
  async revoke({ refresh }: Readonly<Record<string, unknown>>): Promise<object> {
    if (typeof refresh !== "string" || refresh === "") throw noRefreshToken();
    const { client, config } = await this.#open();
    if (config.serverMetadata().revocation_endpoint === undefined) return { revoked: false };
    try {
      await client.tokenRevocation(config, refresh, { token_type_hint: "refresh_token" });
    } catch (error) {
      const { issuer } = this.#settings;
      this.#options.print(`the issuer ${issuer} did not revoke a refresh token: ${(error as Error).message}`);
      const detail = "The issuer did not revoke the refresh token, which is valid until it expires there.";
      throw new Problem("not_ready", detail, { retryAfterS: 1, setting: "SKIFF_OIDC_ISSUER" });
    }
    return { revoked: true };
  }

  #answer({ access_token: access, id_token: id, refresh_token: refresh }: Tokens): object {
    // The API checks a signed token by itself. Many issuers hand out access tokens that only they can read.
    const token = id === undefined || this.#isForApi(access) ? access : id;
    const expiresAt = expiryOf(token);
    return { token, ...(expiresAt ? { expiresAt } : {}), ...(refresh ? { refresh } : {}) };
  }

  #returnUrl(request: IncomingMessage): string {
    return `${originOf(request, this.#options)}${RETURN_PATH}`;
  }

  #isForApi(token: string): boolean {
    return [claimsOf(token)?.aud].flat().includes(this.#settings.audience);
  }

  async #open() {
    this.#client ??= this.#discover();
    try {
      const opened = await this.#client;
      this.#isFailing = false;
      return opened;
    } catch (error) {
      // The next sign-in tries again.
      this.#client = undefined;
      throw this.#noAnswer(error as Error);
    }
  }

  async #discover() {
    const client = await import("openid-client");
    const { issuer, clientId, clientSecret } = this.#settings;
    const url = new URL(issuer);
    const isLocal = url.protocol === "http:" && isLoopbackHost(url.hostname.replace(/^\[(.*)\]$/, "$1"));
    const authentication = clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret);
    const config = await client.discovery(url, clientId, undefined, authentication, {
      timeout: ANSWER_S,
      ...(isLocal ? { execute: [client.allowInsecureRequests] } : {}),
    });
    return { client, config };
  }

  /** What the issuer says about a refusal is for the person who signs in. */
  #refused(client: typeof Client, error: Error): never {
    const said =
      error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError
        ? ` It says: ${(error.error_description ?? error.error).slice(0, 200)}.`
        : "";
    if (said === "" && !(error instanceof client.ClientError)) throw this.#noAnswer(error);
    throw new Problem("unauthorized", `The issuer did not sign you in: sign in again.${said}`);
  }

  /** The reason is for the operator alone: it may name hosts of the inner network. */
  #noAnswer(error: Error): Problem {
    const { issuer } = this.#settings;
    if (!this.#isFailing) this.#options.print(`the issuer ${issuer} cannot sign people in: ${error.message}`);
    this.#isFailing = true;
    const detail = "The issuer does not answer: try again in a moment, or sign in with a key.";
    return new Problem("not_ready", detail, { retryAfterS: 1, setting: "SKIFF_OIDC_ISSUER" });
  }
}

function noRefreshToken(): Problem {
  return new Problem("invalid_request", "Send refresh, the refresh token of the sign-in.");
}

/** Returns the claims of a token that the API will check; undefined if it is not signed. */
function claimsOf(token: string): { readonly aud?: unknown; readonly exp?: unknown } | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (payload === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString()) as { aud?: unknown; exp?: unknown };
  } catch {
    // An opaque token that looks like a signed one.
    return undefined;
  }
}

function expiryOf(token: string): string | undefined {
  const exp = claimsOf(token)?.exp;
  return typeof exp === "number" ? new Date(exp * 1_000).toISOString() : undefined;
}
