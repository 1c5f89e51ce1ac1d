import { hash } from "node:crypto";
import { type IncomingMessage, request as send } from "node:http";
import { json } from "node:stream/consumers";
import { LRUCache } from "lru-cache";
import { challengeOf } from "../../../http/access/principal.ts";
import { bearerOf, keyIdOf } from "../../../platform/keys/key-text.ts";
import { Problem } from "../../../platform/problems.ts";
import type { DashboardOptions } from "../options.ts";
import { addedFields, upstreamOf } from "./upstreams.ts";

/** The form of a token of an OpenID Connect issuer. */
const ISSUED = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const KNOWN = 1_000;
/** A revoked credential may try functions for so long. */
const KNOWN_MS = 10_000;
const ANSWER_MS = 10_000;

/** Checks the credentials of requests. Without one nothing is forwarded. */
export class CredentialCheck {
  readonly #options: DashboardOptions;
  /** By their hash. */
  readonly #known = new LRUCache<string, true>({ max: KNOWN, ttl: KNOWN_MS });

  constructor(options: DashboardOptions) {
    this.#options = options;
  }

  /**
   * Returns the credential of a request for the API, which checks it. An API without a token would take other texts for
   * those of the machine's user.
   * @throws Problem `unauthorized`
   */
  read({ headersDistinct }: IncomingMessage): string {
    const { authorization = [] } = headersDistinct;
    const text = authorization.length === 1 ? bearerOf(authorization[0]!) : undefined;
    if (text === undefined) throw missing();
    const { hasToken, takesIssued } = this.#options;
    if (hasToken || keyIdOf(text) !== undefined || (takesIssued && ISSUED.test(text))) return text;
    throw missing();
  }

  /**
   * Returns the credential of a request that does not go to the API, after the API has accepted it.
   * @throws Problem `unauthorized`, `not_ready`
   */
  async verify(request: IncomingMessage): Promise<string> {
    const text = this.read(request);
    const id = hash("sha256", text);
    if (this.#known.has(id)) return text;
    await this.#ask(request, text);
    this.#known.set(id, true);
    return text;
  }

  async #ask(request: IncomingMessage, text: string): Promise<void> {
    const base = this.#options.targets().manager;
    const fields = [...addedFields(request, base, this.#options), "authorization", `Bearer ${text}`];
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = fields as unknown as Record<string, string>;
    send({ ...upstreamOf(base, ANSWER_MS), agent: false, setHost: false, path: "/whoami", headers })
      .on("response", resolve)
      .on("error", reject)
      .on("timeout", () => reject(new Error("it was silent for too long")))
      .end();
    const answer = await promise.catch(() => undefined);
    if (answer?.statusCode === 200) return void answer.resume();
    const { code, detail } = answer === undefined ? {} : await documentOf(answer);
    if (code === "unauthorized" && detail !== undefined) throw new Problem("unauthorized", detail);
    if (code === "too_many_attempts" && detail !== undefined) {
      throw new Problem(code, detail, { retryAfterS: Number(answer!.headers["retry-after"]) || 60 });
    }
    const notReady = "The management API does not answer: try again in a moment.";
    throw new Problem("not_ready", detail ?? notReady, { retryAfterS: 1 });
  }
}

async function documentOf(answer: IncomingMessage): Promise<{ code?: string; detail?: string }> {
  const problem = await json(answer).catch(() => undefined);
  return typeof problem === "object" && problem !== null ? problem : {};
}

function missing(): Problem {
  const detail =
    "The dashboard needs a key or token: sign in, or run `skiff dashboard` for a link that does.";
  return new Problem("unauthorized", detail, { challenge: challengeOf() });
}
