import { PROBLEMS, type ProblemCode } from "../../platform/problems.ts";
import { ref, type Schema, TEXT } from "./schema.ts";

/** Errors of every request, some of them before the server knows the path. */
export const OF_ANY_REQUEST: readonly ProblemCode[] = [
  "invalid_request",
  "request_timeout",
  "expectation_failed",
  "headers_too_large",
  "internal_error",
];

const GUARDED: readonly ProblemCode[] = [
  "unauthorized",
  "forbidden",
  "insufficient_scope",
  "too_many_attempts",
  "not_ready",
  "draining",
];
export const NAME: Schema = { name: "name", in: "path", required: true, schema: ref("Name") };
export const VERSION: Schema = {
  ...{ name: "version", in: "path", required: true, schema: { type: "integer", minimum: 1 } },
};

/** Describes a parameter of a query. */
export function query(name: string, schema: Schema, more: Schema = {}): Schema {
  return { name, in: "query", schema, ...more };
}

export interface OperationParts {
  readonly parameters?: readonly Schema[];
  readonly requestBody?: Schema;
  /** Answers other than problem documents, by status. */
  readonly answers: Readonly<Record<number, Schema>>;
  /** Errors besides those of every operation. */
  readonly problems?: readonly ProblemCode[];
  /** True for a probe, which needs no token and works during shutdown. */
  readonly isProbe?: boolean;
  /** True if the signature of the request is its only credential. */
  readonly isSigned?: boolean;
}

export function operation(operationId: string, summary: string, parts: OperationParts): Schema {
  const { answers, problems = [], isProbe = false, isSigned = false, ...rest } = parts;
  const guarded: readonly ProblemCode[] = isProbe ? ["forbidden"] : GUARDED;
  return {
    ...{ operationId, summary, ...rest, ...(isProbe || isSigned ? { security: [] } : {}) },
    responses: { ...answers, ...problemResponses([...OF_ANY_REQUEST, ...guarded, ...problems]) },
  };
}

/** Returns one response for each status, with the codes that have it. */
export function problemResponses(codes: readonly ProblemCode[]): Record<string, Schema> {
  const byStatus = Object.groupBy(new Set(codes), (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some = []]) => {
      const schema = { allOf: [ref("Problem"), { properties: { code: { enum: some } } }] };
      const description = some.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("; ");
      const headers = { ...CALL_ID, ...OF_SKIFF, ...HEADERS_BY_STATUS[Number(status)] };
      return [status, { description, headers, content: { "application/problem+json": { schema } } }];
    }),
  );
}

function required(description: string, schema: Schema): Schema {
  return { description, required: true, schema };
}

export const CALL_ID: Schema = {
  "x-skiff-call-id": required("Id of this request in the log", { type: "string", format: "uuid" }),
};
const OF_SKIFF: Schema = {
  "x-skiff-error": required("Present if Skiff answers instead of the function", { const: "platform" }),
};
const RETRY_AFTER: Schema = {
  "retry-after": {
    description: "Seconds until a retry may succeed",
    schema: { type: "integer", minimum: 1 },
  },
};
const HEADERS_BY_STATUS: Readonly<Record<number, Schema>> = {
  401: { "www-authenticate": required("Challenge for a Bearer token (RFC 6750)", TEXT) },
  403: { "www-authenticate": { description: "Challenge with the scope that is missing", schema: TEXT } },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

export function json(description: string, schema: Schema): Schema {
  return { description, headers: CALL_ID, content: { "application/json": { schema } } };
}

export function text(description: string): Schema {
  return { description, headers: CALL_ID, content: { "text/plain": { schema: TEXT } } };
}
