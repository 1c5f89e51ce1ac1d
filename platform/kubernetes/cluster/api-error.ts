import { Problem } from "../../problems.ts";

/** The API server answered, with a refusal. `reason` is Kubernetes' own word, such as `AlreadyExists`. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfterS: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterS?: number) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
    this.retryAfterS = retryAfterS;
  }
}

/** The API server did not answer at all, or not in time. */
export class ApiUnreachable extends Error {
  override readonly name = "ApiUnreachable";
  /** It may have taken the call and be slow: nobody refused the connection. */
  readonly isLate: boolean;

  constructor(message: string, { isLate = false, ...options }: ErrorOptions & { isLate?: boolean } = {}) {
    super(message, options);
    this.isLate = isLate;
  }
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

const RETRY_AFTER_S = 2;

/**
 * What a person gets to read about a failure of the cluster: `platform_unavailable` with the reason. Problems
 * stay, and so does what nobody expected.
 */
export function clusterProblem(error: unknown): unknown {
  if (error instanceof ApiUnreachable)
    return unavailable(`does not answer (${error.message})`, RETRY_AFTER_S);
  if (!(error instanceof ApiError)) return error;
  const { status, message, retryAfterS = RETRY_AFTER_S } = error;
  const refusal = status === 429 || status >= 500 ? "cannot take this now" : "refuses this";
  return unavailable(`${refusal} (${status} ${error.reason}: ${message})`, retryAfterS);
}

function unavailable(what: string, retryAfterS: number): Problem {
  const detail = `The Kubernetes API server ${what}. Running functions go on; try again in ${retryAfterS} s.`;
  return new Problem("platform_unavailable", detail, { retryAfterS });
}
