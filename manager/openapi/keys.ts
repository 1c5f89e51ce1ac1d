import { MOST_FUNCTIONS, MOST_NAME_CHARACTERS } from "../../platform/keys/key.ts";
import { SCOPES } from "../../platform/keys/scopes.ts";
import type { Limits } from "../../platform/limits.ts";
import { CALL_ID, json, operation } from "./operation.ts";
import { array, INSTANT, object, ref, type Schema, TEXT } from "./schema.ts";
import { quotaPatchSchema, quotaSchema } from "./settings.ts";

const ID: Schema = { name: "id", in: "path", required: true, schema: TEXT };
const IF_MATCH: Schema = {
  ...{ name: "If-Match", in: "header", schema: TEXT },
  description: "The key must have one of these ETags; * for any",
};
const NAME: Schema = { type: "string", maxLength: MOST_NAME_CHARACTERS, description: "Chosen by people" };
const SCOPE_LIST = array(
  { enum: SCOPES },
  { description: "What a caller may do; admin includes the others" },
);
const FUNCTION_LIST = array(ref("Name"), {
  maxItems: MOST_FUNCTIONS,
  description: "The only functions that the key is for; absent for all",
});
const TTL: Schema = {
  ...TEXT,
  example: "90d",
  description: "Time until the key expires, instead of expiresAt",
};
const KEY_TEXT: Schema = {
  type: "string",
  pattern: "^sk_k[a-z2-9]{9}_[-_A-Za-z0-9]{43}$",
  description: "The key. It is shown now only",
};

const TIME = { in: "query", schema: TEXT, example: "15m" };
const TIME_FORMS = "a date, a time with its zone, or a duration before now";

/** `/key` and the paths below it, `/audit` and `/whoami`. */
export function keyPaths({ pageSize }: Limits): Record<string, Schema> {
  const location = { location: { schema: TEXT, description: "Path of the key" } };
  const etag = { etag: { schema: TEXT, description: "The revision in quotes, for If-Match" } };
  const headers = { ...CALL_ID, ...etag };
  const created = { ...json("The key with its text", ref("CreatedKey")), headers };
  const key = { ...json("The key", ref("Key")), headers };
  const body = (schema: string, ...types: string[]) => ({
    required: true,
    content: Object.fromEntries(
      ["application/json", ...types].map((type) => [type, { schema: ref(schema) }]),
    ),
  });
  const writing = ["invalid_setting", "body_too_large", "unsupported_media_type", "storage_full"] as const;
  return {
    "/key": {
      get: operation("listKeys", "A page of keys in order of id", {
        parameters: [
          {
            name: "limit",
            in: "query",
            schema: { type: "integer", minimum: 1, maximum: pageSize, default: pageSize },
          },
          { name: "cursor", in: "query", schema: TEXT },
        ],
        answers: { 200: json("The page", ref("KeyPage")) },
      }),
      post: operation("createKey", "Create a key, and show it for the only time", {
        requestBody: body("NewKey"),
        answers: { 201: { ...created, headers: { ...headers, ...location } } },
        problems: [...writing, "too_many_keys"],
      }),
    },
    "/key/{id}": {
      parameters: [ID],
      get: operation("describeKey", "One key", {
        answers: { 200: key },
        problems: ["unknown_key"],
      }),
      patch: operation("changeKey", "Change name, scopes, functions, expiry or quota of a key", {
        parameters: [IF_MATCH],
        requestBody: body("KeyPatch", "application/merge-patch+json"),
        answers: { 200: key },
        problems: [...writing, "unknown_key", "invalid_declaration", "precondition_failed"],
      }),
      delete: operation("revokeKey", "Revoke a key: within a second no router accepts it", {
        parameters: [IF_MATCH],
        answers: { 200: json("Revoked", ref("Removed")) },
        problems: ["unknown_key", "precondition_failed", "storage_full"],
      }),
    },
    "/key/{id}/rotate": {
      parameters: [ID],
      post: operation("rotateKey", "Give a key a new secret; the one before stays valid for a while", {
        parameters: [
          IF_MATCH,
          {
            ...{ name: "overlap", in: "query", schema: { ...TEXT, default: "24h" } },
            description: "Time for which the secret before stays valid, from 0 to 90d",
          },
        ],
        answers: { 200: created },
        problems: ["unknown_key", "invalid_declaration", "precondition_failed", "storage_full"],
      }),
    },
    "/audit": {
      get: operation("readAudit", "A page of the audit log, newest first: who changed what, and from where", {
        parameters: [
          { ...TIME, name: "since", description: `From then on: ${TIME_FORMS}` },
          { ...TIME, name: "until", description: `Before then: ${TIME_FORMS}` },
          { name: "search", in: "query", schema: TEXT, description: "Part of `by` or `target`" },
          {
            name: "limit",
            in: "query",
            schema: { type: "integer", minimum: 1, maximum: pageSize, default: pageSize },
          },
          { name: "cursor", in: "query", schema: TEXT },
        ],
        answers: { 200: json("The page", ref("AuditPage")) },
        problems: ["store_unavailable"],
      }),
    },
    "/whoami": {
      get: operation("whoami", "Who the caller is, and what it may do", {
        answers: { 200: json("The caller", ref("Principal")) },
      }),
    },
  };
}

export function keySchemas({ pageSize }: Limits): Record<string, Schema> {
  const [required, optional] = keyMembers();
  const patch = { name: NAME, scopes: SCOPE_LIST, functions: orNull(FUNCTION_LIST), ttl: TTL };
  return {
    Key: object(required, optional),
    CreatedKey: object({ ...required, key: KEY_TEXT }, optional),
    KeyPage: object({
      keys: array(ref("Key"), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    AuditPage: object({
      entries: array(ref("AuditEntry"), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    AuditEntry: object({
      ...{ id: TEXT, at: INSTANT, by: TEXT, from: { ...TEXT, description: "Address of the client" } },
      action: { ...TEXT, description: "Such as deploy or key.create" },
      target: { ...TEXT, description: "Such as hello or key/kxm3q8zt2v" },
      status: { type: "integer", description: "Of the answer; 499 if the client left before it" },
      detail: { ...TEXT, description: "What was done, or the code of the problem" },
      callId: TEXT,
    }),
    NewKey: object(
      { name: NAME, scopes: SCOPE_LIST },
      { functions: orNull(FUNCTION_LIST), expiresAt: orNull(INSTANT), ttl: TTL, quota: quotaSchema() },
    ),
    KeyPatch: object({}, { ...patch, expiresAt: orNull(INSTANT), quota: quotaPatchSchema() }),
    Principal: object(
      {
        by: { ...TEXT, description: "As in the audit log, such as `key ci-deploy (kxm3q8zt2v)`" },
        scopes: SCOPE_LIST,
        url: { ...TEXT, description: "Base of the URLs of the API and of functions" },
      },
      {
        keyId: TEXT,
        functions: FUNCTION_LIST,
        dashboard: { ...TEXT, description: "Where the dashboard is" },
      },
    ),
  };
}

/** Members that each key has, and those that some have. */
function keyMembers(): [Record<string, Schema>, Record<string, Schema>] {
  const state = {
    enum: ["active", "expired", "invalid"],
    description: "invalid: what is stored cannot be read",
  };
  return [
    { id: TEXT, state, createdAt: INSTANT, updatedAt: INSTANT },
    {
      ...{
        name: NAME,
        scopes: SCOPE_LIST,
        functions: FUNCTION_LIST,
        expiresAt: INSTANT,
        quota: quotaSchema(),
      },
      createdBy: TEXT,
      rotatedAt: INSTANT,
      previousUntil: { ...INSTANT, description: "End of the secret before the last rotation" },
      lastUsedAt: INSTANT,
    },
  ];
}

function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema.type, "null"] };
}
