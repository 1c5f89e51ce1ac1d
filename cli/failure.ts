import { Unreachable } from "./api/http.ts";
import { ApiProblem } from "./api/problem.ts";
import { shown } from "./output/output.ts";
import { UsageError } from "./usage-error.ts";

/** Exit codes by kind of failure. docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  denied: 5,
  unavailable: 6,
} as const;

/** The exit code for the status of an answer. */
export function exitCodeOf(status: number): number {
  if (status < 400) return EXIT.ok;
  if (status >= 500) return EXIT.unavailable;
  if (status === 404) return EXIT.notFound;
  return status === 401 || status === 403 ? EXIT.denied : EXIT.refused;
}

export interface Failure {
  readonly exitCode: number;
  /** Lines for a person; the first one follows `error: `. */
  readonly lines: readonly string[];
  /** What `--json` prints. */
  readonly document: object;
}

/** Describes a thrown value in the words of the API, with what to do next. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ApiProblem) {
    const { status, document } = error;
    const lines = [...shown(error.message).split("\n"), ...advice(error)];
    return { exitCode: exitCodeOf(status), lines, document };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof Unreachable) {
    const hint = "Start one with `skiff serve`, or choose another with --url or `skiff context use NAME`.";
    return failure(EXIT.unavailable, [message, hint]);
  }
  if (name === "TimeoutError") return failure(EXIT.unavailable, ["No answer arrived in time. Try again."]);
  return failure(error instanceof UsageError ? EXIT.usage : EXIT.unexpected, message.split("\n"));
}

function failure(exitCode: number, lines: readonly string[]): Failure {
  return { exitCode, lines, document: { detail: lines.join(" ") } };
}

function advice({ status, code, document, hint }: ApiProblem): string[] {
  if (hint !== undefined) return [hint];
  if (status === 401) return ["Give a key with `skiff login`, or in SKIFF_KEY."];
  return code === "internal_error" ? [`The log of Skiff has the cause under ${document.callId}.`] : [];
}
