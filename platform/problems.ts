import type { StepError } from "./flows/run/error.ts";
import { FREE_SPACE, isDiskFull, shortageOf } from "./shortage.ts";

/**
 * Every error that Skiff itself returns. Other codes do not compile, and a test compares docs/errors.md with this table.
 * `status` is the HTTP status (RFC 9110; 507: RFC 4918).
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request is malformed" },
  invalid_name: { status: 400, title: "The name is not valid" },
  invalid_setting: { status: 400, title: "A setting is unknown or out of range" },
  invalid_source: { status: 400, title: "The source cannot be read" },
  invalid_declaration: { status: 400, title: "The declaration is not valid" },
  invalid_flow: { status: 400, title: "The flow is not valid" },
  unauthorized: { status: 401, title: "The request needs a valid key or token" },
  forbidden: { status: 403, title: "The request is not allowed" },
  insufficient_scope: { status: 403, title: "The key or token does not allow this" },
  exec_off: { status: 403, title: "Commands are switched off" },
  image_not_allowed: { status: 403, title: "The image is not allowed here" },
  unknown_function: { status: 404, title: "No function has this name" },
  unknown_version: { status: 404, title: "The function has no such version" },
  unknown_key: { status: 404, title: "No key has this id" },
  unknown_secret: { status: 404, title: "No secret has this name" },
  unknown_call: { status: 404, title: "No call has this id" },
  unknown_topic: { status: 404, title: "No topic has this name" },
  unknown_subscription: { status: 404, title: "No subscription has this name" },
  unknown_schedule: { status: 404, title: "No schedule has this name" },
  unknown_flow: { status: 404, title: "No flow has this name" },
  unknown_repository: { status: 404, title: "No git repository has this name" },
  unknown_mirror: { status: 404, title: "The repository has no such mirror" },
  unknown_commit: { status: 404, title: "The repository has no such commit" },
  unknown_run: { status: 404, title: "No run has this id" },
  unknown_step: { status: 404, title: "The run has no such step" },
  no_result: { status: 404, title: "The call has no answer" },
  no_subscriber: { status: 404, title: "Nobody answers the event" },
  unknown_route: { status: 404, title: "No route has this path" },
  method_not_allowed: { status: 405, title: "The path does not support this method" },
  request_timeout: { status: 408, title: "The request did not arrive in time" },
  secret_in_use: { status: 409, title: "Functions in use ask for the secret" },
  call_running: { status: 409, title: "The call is running" },
  call_not_dead: { status: 409, title: "The call is not dead" },
  run_ended: { status: 409, title: "The run has ended" },
  run_not_ended: { status: 409, title: "The run has not ended" },
  run_cancelling: { status: 409, title: "The run is being cancelled" },
  not_waiting: { status: 409, title: "The step waits for nobody" },
  host_taken: { status: 409, title: "Another function has this host name" },
  too_many_keys: { status: 409, title: "No further key can be created" },
  repository_conflict: { status: 409, title: "The git repository has changed meanwhile" },
  precondition_failed: { status: 412, title: "The precondition of the request does not hold" },
  body_too_large: { status: 413, title: "The body of the call is too large" },
  event_too_large: { status: 413, title: "The event is too large" },
  source_too_large: { status: 413, title: "The source is too large" },
  push_too_large: { status: 413, title: "The push is too large" },
  unsupported_media_type: { status: 415, title: "The media type of the body is not supported" },
  expectation_failed: { status: 417, title: "The expectation of the request cannot be met" },
  idempotency_key_reused: { status: 422, title: "Another request had the same Idempotency-Key" },
  invalid_input: { status: 422, title: "The input does not fit the flow" },
  build_failed: { status: 422, title: "The source does not build" },
  apply_failed: { status: 422, title: "Functions of the folder could not be deployed" },
  start_failed: { status: 422, title: "The new version does not start" },
  runtime_missing: { status: 422, title: "The runtime of the program is not installed" },
  no_sandbox: { status: 422, title: "Programs have no sandbox here" },
  image_unavailable: { status: 422, title: "The image cannot be pulled" },
  push_refused: { status: 422, title: "The push is refused" },
  command_not_found: { status: 422, title: "The command does not exist" },
  quota_exceeded: { status: 429, title: "A quota is used up" },
  too_many_waiting: { status: 429, title: "Too many calls wait for this function" },
  too_many_attempts: { status: 429, title: "Too many requests with wrong keys or tokens" },
  too_many_commands: { status: 429, title: "Too many commands run at the same time" },
  too_many_runs: { status: 429, title: "Too many runs of this flow wait" },
  too_many_git: { status: 429, title: "Too many requests of git run at the same time" },
  headers_too_large: { status: 431, title: "The header block is too large" },
  function_error: { status: 500, title: "The function threw an error" },
  internal_error: { status: 500, title: "Skiff failed" },
  program_failed: { status: 500, title: "The program failed" },
  out_of_memory: { status: 500, title: "The program used more memory than it may" },
  git_failed: { status: 500, title: "Git failed" },
  no_engine: { status: 501, title: "No container engine is installed" },
  git_missing: { status: 501, title: "Git is not installed" },
  instance_failed: { status: 502, title: "The function broke the connection" },
  no_reply: { status: 502, title: "No subscriber answered with a reply" },
  reply_failed: { status: 502, title: "The subscriber failed" },
  run_failed: { status: 502, title: "The run of the flow failed" },
  mirror_failed: { status: 502, title: "The other git repository cannot be used" },
  no_capacity: { status: 503, title: "No instance could take the call" },
  too_many_uploads: { status: 503, title: "Too many long bodies arrive at the same time" },
  not_ready: { status: 503, title: "Skiff is not ready yet" },
  platform_unavailable: { status: 503, title: "The cluster cannot be reached" },
  store_unavailable: { status: 503, title: "The store cannot be reached" },
  secrets_unavailable: { status: 503, title: "The values of secrets cannot be read" },
  draining: { status: 503, title: "Skiff is shutting down" },
  call_timeout: { status: 504, title: "The function did not answer in time" },
  command_timeout: { status: 504, title: "The command did not end in time" },
  reply_timeout: { status: 504, title: "No subscriber answered in time" },
  storage_full: { status: 507, title: "The disk of Skiff is full" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Codes with 429 or 503, which require a time to retry (RFC 6585, section 4; RFC 9110, section 15.6.4). */
type RetryableCode = {
  [C in ProblemCode]: (typeof PROBLEMS)[C]["status"] extends 429 | 503 ? C : never;
}[ProblemCode];

type ExtensionsOf<C extends ProblemCode> = C extends RetryableCode
  ? [extensions: ProblemExtensions & { retryAfterS: number }]
  : [extensions?: ProblemExtensions];

/** Members of a problem document besides those of RFC 9457. */
export interface ProblemExtensions {
  /** Seconds until a retry may succeed; also sent as `Retry-After`. */
  retryAfterS?: number;
  /** The setting or limit that caused the error. */
  setting?: string;
  /** Errors in the source, with 1-based line and column. */
  errors?: readonly SourceError[];
  /** What is wrong with an input, by JSON pointers to its values. */
  faults?: readonly { readonly pointer: string; readonly message: string }[];
  /** What became of each function of an apply. */
  functions?: readonly Readonly<Record<string, unknown>>[];
  /** The current version of the function, which a precondition did not expect. */
  version?: number;
  /** The quota that is used up. */
  quota?: UsedUpQuota;
  /** What a function answered instead of a reply. */
  reply?: { readonly status: number; readonly text: string };
  /** With which code the program exited. */
  exitCode?: number;
  /** The signal that ended the program. */
  signal?: string;
  /** The run that failed, at which step, and why. */
  run?: { readonly id: string; readonly step?: string; readonly error?: StepError };
  /** Why the image cannot be pulled. */
  reason?: "not_found" | "denied" | "unreachable" | "timeout";
  /** Last lines that the function printed. */
  log?: readonly string[];
  /** Value of `WWW-Authenticate` (RFC 6750); not part of the document. */
  challenge?: string;
}

export interface UsedUpQuota {
  readonly policy: "rate" | "inFlight" | "perMonth";
  /** The value of the policy, such as `100/s`. */
  readonly limit: string | number;
  /** The function or the id of the key that has the quota. */
  readonly function?: string;
  readonly key?: string;
  /** When calls may pass again, in ISO 8601. */
  readonly resetsAt: string;
}

export interface SourceError {
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
}

/** An expected failure. `detail` has the remedy. */
export class Problem<C extends ProblemCode = ProblemCode> extends Error {
  readonly code: C;
  readonly detail: string;
  readonly extensions: ProblemExtensions;

  constructor(code: C, detail: string, ...[extensions = {}]: ExtensionsOf<C>) {
    super(`${code}: ${detail}`);
    this.name = "Problem";
    this.code = code;
    this.detail = detail;
    this.extensions = extensions;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** Returns the body of an `application/problem+json` response (RFC 9457). */
export function problemDocument(problem: Problem, callId: string): Record<string, unknown> {
  const { status, title } = PROBLEMS[problem.code];
  const type = `https://skiff.dev/problems/${problem.code}`;
  const { challenge: _, ...members } = problem.extensions;
  return { type, title, status, detail: problem.detail, code: problem.code, callId, ...members };
}

/** Returns the headers of a problem document. */
export function problemHeaders(problem: Problem, callId: string): Record<string, string> {
  const { retryAfterS, challenge } = problem.extensions;
  return {
    "content-type": "application/problem+json; charset=utf-8",
    "cache-control": "no-store",
    "x-skiff-error": "platform",
    "x-skiff-call-id": callId,
    ...(challenge === undefined ? {} : { "www-authenticate": challenge }),
    ...(retryAfterS === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterS))) }),
  };
}

/**
 * Converts any thrown value to a Problem: a full disk to `storage_full`, a lack of files or processes to `no_capacity`,
 * unexpected errors to `internal_error`. The result has no text of the error.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isDiskFull(error)) {
    return new Problem(
      "storage_full",
      `The disk is full: ${FREE_SPACE}, then try again. Nothing was changed.`,
    );
  }
  const shortage = shortageOf(error);
  if (shortage !== undefined) return outOf(shortage);
  return new Problem("internal_error", "Skiff failed, not your request; the log of Skiff has the cause.");
}

/** Returns the problem for a result of `shortageOf`. */
export function outOf(shortage: string): Problem<"no_capacity"> {
  const detail = `The function is not at fault: ${shortage}. Try again in 1 s.`;
  return new Problem("no_capacity", detail, { retryAfterS: 1 });
}

/** @param name the function that the client named; untrusted text */
export function unknownFunction(name: string): Problem {
  const shown = name.slice(0, 80);
  const deploy = /^[a-z][a-z0-9-]*$/.test(name)
    ? `deploy it with POST /func?name=${shown}`
    : 'use a name of a-z, 0-9 and "-"';
  const detail = `There is no function "${shown}": ${deploy}, or list all with GET /func.`;
  return new Problem("unknown_function", detail);
}

/** @param id what the client named; untrusted text */
export function unknownKey(id: string): Problem {
  return new Problem("unknown_key", `There is no key "${id.slice(0, 80)}": list all with GET /key.`);
}

export function draining(): Problem {
  return new Problem("draining", "Skiff is shutting down: try again in a moment.", { retryAfterS: 1 });
}
