import type { Limits } from "../../platform/limits.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import { CALL_ID, json, operation } from "./operation.ts";
import { array, INSTANT, object, ref, type Schema, TEXT } from "./schema.ts";

const KNOWN: readonly ProblemCode[] = ["invalid_name", "unknown_secret"];
const VERSION: Schema = { type: "integer", minimum: 1 };
const SUMMARY = { name: ref("SecretName"), version: VERSION, createdAt: INSTANT, updatedAt: INSTANT };
const NAME: Schema = { name: "name", in: "path", required: true, schema: ref("SecretName") };
const IF_MATCH: Schema = {
  ...{ name: "If-Match", in: "header", schema: TEXT },
  description: 'The newest version must be one of these, such as "3"; * for any',
};
const IF_NONE_MATCH: Schema = {
  ...{ name: "If-None-Match", in: "header", schema: { const: "*" } },
  description: "The secret must not exist",
};

/** `/secret` and the paths below it. */
export function secretPaths({ pageSize, secretBytes }: Limits): Record<string, Schema> {
  const etag = { etag: { schema: TEXT, description: "The newest version in quotes" } };
  const answered = (description: string, schema: string) => {
    const answer = json(description, ref(schema));
    return { ...answer, headers: { ...CALL_ID, ...etag } };
  };
  const put = answered("Stored, or unchanged", "SecretPut");
  const location = { location: { schema: TEXT, description: "Path of the secret" } };
  return {
    "/secret": {
      get: operation("listSecrets", "A page of secrets in order of name, without values", {
        parameters: [
          {
            ...{ name: "limit", in: "query" },
            schema: { type: "integer", minimum: 1, maximum: pageSize, default: pageSize },
          },
          { name: "cursor", in: "query", schema: TEXT },
        ],
        answers: { 200: json("The page", ref("SecretPage")) },
      }),
    },
    "/secret/{name}": {
      parameters: [NAME],
      get: operation("describeSecret", "Versions of a secret and the functions that use it; never a value", {
        answers: { 200: answered("The secret", "SecretDescription") },
        problems: KNOWN,
      }),
      put: operation("putSecret", "Store a value, and deploy the functions in use with it", {
        parameters: [IF_MATCH, IF_NONE_MATCH],
        requestBody: {
          required: true,
          description: `The value: UTF-8 without NUL, at most ${formatBytes(secretBytes)}`,
          content: { "*/*": { schema: TEXT } },
        },
        answers: {
          200: put,
          201: { ...put, description: "Created", headers: { ...CALL_ID, ...etag, ...location } },
        },
        problems: [
          ...(["invalid_name", "precondition_failed", "body_too_large", "unsupported_media_type"] as const),
          ...(["request_timeout", "secrets_unavailable", "storage_full"] as const),
        ],
      }),
      delete: operation("removeSecret", "Remove a secret with all of its versions", {
        parameters: [
          {
            ...{ name: "force", in: "query", schema: { type: "boolean", default: false } },
            description: "Also if functions in use ask for it",
          },
          IF_MATCH,
        ],
        answers: { 200: json("Removed", ref("Removed")) },
        problems: [...KNOWN, "secret_in_use", "precondition_failed", "storage_full"],
      }),
    },
  };
}

/** The schemas of secrets. */
export function secretSchemas({ pageSize }: Limits): Record<string, Schema> {
  const pattern = "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$";
  const secretVersion = {
    ...{ type: ["integer", "null"], minimum: 1 },
    description: "Null if the version pulls its image with the secret, which takes the newest",
  };
  const user = { name: ref("Name"), version: VERSION, secretVersion };
  const failure = { name: ref("Name"), code: TEXT, detail: TEXT };
  return {
    SecretName: { type: "string", pattern, description: "1 to 63 characters" },
    SecretPage: object({
      secrets: array(object(SUMMARY), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    SecretDescription: object({
      ...SUMMARY,
      versions: array(object({ version: VERSION, createdAt: INSTANT })),
      functions: array(object(user), { description: "Kept versions of functions that name the secret" }),
    }),
    SecretPut: object({
      ...{ name: ref("SecretName"), version: VERSION },
      ...{ created: { type: "boolean" }, unchanged: { type: "boolean" } },
      functions: array(object({ name: ref("Name"), version: VERSION }), {
        description: "Functions with a new version that has the value",
      }),
      failed: array(object(failure), { description: "Functions that go on with the value before" }),
    }),
  };
}
