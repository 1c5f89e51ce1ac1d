import type { Limits } from "../../platform/limits.ts";
import { PROBLEMS, type ProblemCode } from "../../platform/problems.ts";
import { formatMs } from "../../platform/quantity.ts";
import { NUMBER_SETTINGS } from "../../platform/settings.ts";
import { type NumberSetting, numberSetting, ref, type Schema } from "./openapi-schemas.ts";

/** What the server answers before a request has a path, and what may always happen. */
export const OF_ANY_REQUEST: readonly ProblemCode[] = [
  "invalid_request",
  "request_timeout",
  "expectation_failed",
  "headers_too_large",
  "internal_error",
];

/** What an operation is made of; the rest follows from it. */
export interface OperationParts {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly Schema[];
  readonly requestBody?: Schema;
  /** Answers that are no problem documents, by status. */
  readonly answers: Readonly<Record<number, Schema>>;
  /** What may go wrong besides what may go wrong everywhere. */
  readonly problems?: readonly ProblemCode[];
  /** Needs no token, and answers while Skiff shuts down. */
  readonly isProbe?: boolean;
}

export function operation({ answers, problems = [], isProbe = false, ...rest }: OperationParts): Schema {
  const guarded: readonly ProblemCode[] = isProbe ? ["forbidden"] : ["unauthorized", "forbidden", "draining"];
  return {
    ...rest,
    ...(isProbe ? { security: [] } : {}),
    responses: { ...answers, ...problemResponses([...OF_ANY_REQUEST, ...guarded, ...problems]) },
  };
}

/** One response for each status, which names the codes that it may stand for. */
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

export const CALL_ID = {
  "x-skiff-call-id": {
    description: "Names this request in the log",
    required: true,
    schema: { type: "string", format: "uuid" },
  },
};

const OF_SKIFF = {
  "x-skiff-error": {
    description: "Says that Skiff answers, not the function",
    required: true,
    schema: { const: "platform" },
  },
};

const RETRY_AFTER = {
  "retry-after": {
    description: "Seconds after which trying again may help",
    schema: { type: "integer", minimum: 1 },
  },
};

/** What problems carry besides the headers of all of them. */
const HEADERS_BY_STATUS: Readonly<Record<number, Schema>> = {
  401: {
    "www-authenticate": {
      description: "Challenge for a Bearer token (RFC 6750)",
      required: true,
      schema: { type: "string" },
    },
  },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

export function json(description: string, schema: string): Schema {
  return { description, headers: CALL_ID, content: { "application/json": { schema: ref(schema) } } };
}

export function text(description: string, type = "text/plain"): Schema {
  return { description, headers: CALL_ID, content: { [type]: { schema: { type: "string" } } } };
}

export function pathParameter(name: string, schema: Schema): Schema {
  return { name, in: "path", required: true, schema };
}

export function queryParameter(name: string, schema: Schema, more: Schema = {}): Schema {
  return { name, in: "query", schema, ...more };
}

/** The settings as a deploy takes them in its query. */
export function settingParameters(limits: Limits): Schema[] {
  const names = Object.keys(NUMBER_SETTINGS) as NumberSetting[];
  return [
    ...names.map((name) => numberParameter(name, limits)),
    listParameter("env", "KEY=VALUE; one parameter for each variable"),
    listParameter("net", "Destinations that the function may reach, also separated by commas; none for none"),
    listParameter("sys", "Kinds of system information that it may read, also separated by commas"),
  ];
}

/** Times and sizes are texts with a unit there; their range can only be said in words. */
function numberParameter(name: NumberSetting, limits: Limits): Schema {
  const { query, example } = NUMBER_SETTINGS[name];
  const schema = numberSetting(name, limits);
  const { minimum: least, maximum: most, default: standard } = schema as Record<string, number>;
  if (query === name) return queryParameter(query, schema);
  const show = (value = 0) => (name === "memoryMiB" ? `${value} MiB` : formatMs(value));
  const description = `From ${show(least)} to ${show(most)}; ${show(standard)} unless given`;
  return queryParameter(query, { type: "string" }, { example, description });
}

function listParameter(name: string, description: string): Schema {
  const schema = { type: "array", items: { type: "string" } };
  return queryParameter(name, schema, { description, style: "form", explode: true });
}
