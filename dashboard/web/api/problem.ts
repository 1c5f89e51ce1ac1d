/** Where something is wrong in a source or a flow. Lines and columns count from 1. */
export interface PlacedError {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** A problem document of the API (RFC 9457), or a request without an answer (`status` 0). */
export class ApiProblem extends Error {
  readonly status: number;
  /** Such as `build_failed`; `unreachable` without an answer. */
  readonly code: string;
  readonly title: string;
  /** What the API says in full. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(status: number, members: Readonly<Record<string, unknown>>) {
    const text = (name: string) => (typeof members[name] === "string" ? members[name] : undefined);
    super(text("detail") ?? text("title") ?? `Skiff answered with the status ${status}.`);
    this.status = status;
    this.code = text("code") ?? "unknown";
    this.title = text("title") ?? "The request failed";
    this.members = members;
  }

  get errors(): readonly PlacedError[] {
    return Array.isArray(this.members.errors) ? (this.members.errors as PlacedError[]) : [];
  }
}

export function unreachable(cause: unknown): ApiProblem {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ApiProblem(0, {
    code: "unreachable",
    title: "Skiff does not answer",
    detail: `Skiff does not answer (${why}). It may be restarting.`,
  });
}

/** Returns what was thrown as a problem that can be shown. Anything but a problem of the API is a fault of this page. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiProblem(0, { code: "page_failed", title: "This page failed", detail });
}

/** Reads the problem document of a response. */
export async function problemFrom(response: Response): Promise<ApiProblem> {
  const text = await response.text();
  try {
    return new ApiProblem(response.status, JSON.parse(text) as Record<string, unknown>);
  } catch {
    return new ApiProblem(response.status, { detail: text.slice(0, 500) || response.statusText });
  }
}
