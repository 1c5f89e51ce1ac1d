import type { TrustedProxies } from "../../http/trusted-proxies.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Assets } from "./assets.ts";
import type { LoginToken } from "./session/login-token.ts";
import type { OidcSettings } from "./session/oidc-settings.ts";

/** Base URLs of the servers that answer the public API. On one machine they are the same. */
export interface Targets {
  readonly manager: string;
  /** Answers topics and flows, and forwards other requests below them to the manager. */
  readonly events: string;
  /** Answers calls of functions. */
  readonly router: string;
}

/** The sign-in with the token in the URL that a start prints. */
export interface Login {
  readonly token: LoginToken;
  /** Creates the key that the page keeps. */
  readonly createKey: () => Promise<SessionKey>;
}

export interface SessionKey {
  readonly key: string;
  readonly expiresAt: string;
}

export interface DashboardOptions {
  readonly targets: () => Targets;
  readonly limits: Limits;
  /** The version of Skiff. */
  readonly version: string;
  /** Only hosts that name this machine are accepted, and that of `publicUrl`. */
  readonly isLoopback: boolean;
  /** Where browsers find the dashboard, if it is behind a proxy. It is the only host then, except on loopback. */
  readonly publicUrl?: string | undefined;
  /** The base of the URLs of functions, if they are behind a proxy. */
  readonly functionsUrl?: string | undefined;
  /** Whether the API has a token. Elsewhere only keys and tokens of the issuer are credentials. */
  readonly hasToken: boolean;
  /** Whether the API takes tokens of an OpenID Connect issuer. */
  readonly takesIssued: boolean;
  /** Whether the servers behind it may get the address of the client in `x-forwarded-for`. */
  readonly namesClient: boolean;
  readonly proxies?: TrustedProxies | undefined;
  /** Absent where no token is printed. */
  readonly login?: Login | undefined;
  /** Absent where no issuer signs people in. */
  readonly oidc?: OidcSettings | undefined;
  /** Opens the files of the page, at the first request for one. */
  readonly assets: () => Promise<Assets>;
  readonly print: (line: string) => void;
}
