import type { Limits } from "../../platform/limits.ts";
import { PROBLEMS } from "../../platform/problems.ts";
import { QUOTA_QUERY } from "../../platform/settings/quota.ts";
import { fileSchemas } from "./files.ts";
import { keySchemas } from "./keys.ts";
import { logSchemas } from "./logs.ts";
import { activitySchemas } from "./observing/activity.ts";
import { array, COUNT, INSTANT, object, ref, type Schema, TEXT } from "./schema.ts";
import { settingsPatchSchema, settingsSchema } from "./settings.ts";
import { historySchemas, usageSchemas } from "./usage.ts";
import { routeRules } from "./versions.ts";

const VERSION: Schema = { type: "integer", minimum: 1 };
const BOOLEAN: Schema = { type: "boolean" };
const NAME: Schema = {
  type: "string",
  pattern: "^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$",
  description: "1 to 52 characters",
};
const HASH: Schema = {
  type: "string",
  pattern: "^[0-9a-f]{64}$",
  description: "SHA-256 of source and settings",
};
const URL: Schema = { type: "string", format: "uri", description: "Address of calls" };
const SUMMARY = {
  ...{ name: ref("Name"), version: VERSION, hash: HASH },
  ...{ createdAt: INSTANT, updatedAt: INSTANT, ready: COUNT, url: URL },
};

/** Returns the contents of `components.schemas`. */
export function schemas(limits: Limits): Record<string, Schema> {
  return {
    Name: NAME,
    Settings: settingsSchema(limits),
    SettingsPatch: settingsPatchSchema(limits),
    Deployed: object({
      ...{ name: ref("Name"), version: VERSION, url: URL },
      ...{ created: BOOLEAN, unchanged: BOOLEAN },
    }),
    FunctionSummary: object(SUMMARY, activitySchemas(now())),
    FunctionPage: object({
      functions: array(ref("FunctionSummary"), { maxItems: limits.pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    FunctionDescription: description(),
    ...fileSchemas(),
    Removed: object({ success: { const: true } }),
    SourceError: object({ message: TEXT, file: TEXT, line: COUNT, column: COUNT, lineText: TEXT }),
    Problem: problem(),
    ...logSchemas(),
    ...usageSchemas(),
    ...keySchemas(limits),
  };
}

/** How a function is now. */
function now() {
  const share = object({ version: VERSION, weight: { type: "integer", minimum: 1 } });
  const instance = object(
    {
      ...{ id: TEXT, version: VERSION, startedAt: INSTANT },
      state: { enum: ["starting", "ready", "spent", "draining"] },
    },
    { memoryMiB: { type: "number", minimum: 0 } },
  );
  return {
    state: {
      ...object({ canCall: BOOLEAN, reason: TEXT }),
      description: "Whether the function can be called now, and why",
    },
    traffic: array(share, { description: "Versions that take calls, each with its weight" }),
    instances: array(instance),
  };
}

function description(): Schema {
  return object(
    {
      ...SUMMARY,
      ...now(),
      settings: ref("Settings"),
      versions: array(object({ version: VERSION, hash: HASH, createdAt: INSTANT })),
      lastErrors: array(object({ at: INSTANT, message: TEXT })),
      lastDeploys: array(
        object({ version: VERSION, at: INSTANT, by: TEXT }, { message: TEXT, commit: TEXT }),
      ),
    },
    {
      ...routeRules(),
      ...historySchemas(),
      previous: { ...VERSION, description: "The version that a rollback goes back to" },
      notReady: { ...TEXT, description: "Reason why no instance is ready although one should be" },
      image: {
        ...object(
          { image: TEXT, digest: TEXT },
          { isLocal: { ...BOOLEAN, description: "No registry has it: the digest is its id on the nodes" } },
        ),
        description: "The image of the current version, and what its name meant at the deploy",
      },
      isolation: {
        ...object({ files: TEXT, network: TEXT }),
        description: "Isolation of the instances, and why it is not stronger",
      },
    },
  );
}

function problem(): Schema {
  return object(
    {
      type: { type: "string", format: "uri" },
      title: TEXT,
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { ...TEXT, description: "The error and how to correct it" },
      code: { enum: Object.keys(PROBLEMS) },
      callId: { type: "string", format: "uuid" },
    },
    {
      retryAfterS: { type: "number", description: "Seconds until a retry may succeed" },
      version: { ...VERSION, description: "The current version, which the precondition did not expect" },
      setting: { ...TEXT, description: "The setting, limit or option that caused the error" },
      quota: {
        ...object(
          {
            policy: { enum: Object.keys(QUOTA_QUERY) },
            limit: { type: ["string", "integer"] },
            resetsAt: INSTANT,
          },
          { function: ref("Name"), key: { ...TEXT, description: "Id of the key" } },
        ),
        description: "The quota that is used up, and the function or the key that has it",
      },
      errors: array(ref("SourceError")),
      functions: array(ref("AppliedFunction"), { description: "What became of each function of an apply" }),
      topics: array(ref("AppliedObject"), { description: "What became of each topic of an apply" }),
      flows: array(ref("AppliedObject"), { description: "As `topics`" }),
      subscriptions: array(ref("AppliedObject"), { description: "As `topics`" }),
      schedules: array(ref("AppliedObject"), { description: "As `topics`" }),
      reply: {
        ...object({ status: { type: "integer" }, text: TEXT }),
        description: "What the subscriber answered instead of a reply, with the beginning of its text",
      },
      faults: array(object({ pointer: TEXT, message: TEXT }), {
        description: "What is wrong with an input, by JSON pointers to its values",
      }),
      run: {
        ...object({ id: TEXT }, { step: TEXT, error: ref("StepError") }),
        description: "The run that failed, at which step, and why",
      },
      exitCode: { type: "integer", description: "With which code the program exited" },
      signal: { ...TEXT, description: "The signal that ended the program" },
      reason: {
        enum: ["not_found", "denied", "unreachable", "timeout"],
        description: "Why the image cannot be pulled",
      },
      log: array(TEXT, { description: "Last lines of the function's output" }),
    },
  );
}
