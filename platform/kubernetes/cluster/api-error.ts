import { Problem } from "../../problems.ts";

/** The API server rejected the call. `reason` is Kubernetes' own, such as `AlreadyExists`. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  /** The server's `Retry-After`, in seconds. */
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
  /** The call timed out, so the server may have executed it. */
  readonly isLate: boolean;

  constructor(message: string, { isLate = false, ...options }: ErrorOptions & { isLate?: boolean } = {}) {
    super(message, options);
    this.isLate = isLate;
  }
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof ApiError && statuses.includes(error.status);
}

/** Resolves with undefined if the API server rejects the call with one of these statuses. */
export async function unlessStatus<T>(
  answer: Promise<T>,
  ...statuses: readonly number[]
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasStatus(error, ...statuses)) return undefined;
    throw error;
  }
}

const RETRY_AFTER_S = 2;

/** Turns a failure of the cluster into `platform_unavailable` with its reason. Returns other errors unchanged. */
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
