import type { Limits } from "../../../platform/limits.ts";
import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, json, NAME, operation, query } from "../operation.ts";
import { array, COMMIT_ID, COUNT, FLAG, INSTANT, object, orNull, ref, type Schema, TEXT } from "../schema.ts";

const VERSION: Schema = { type: "integer", minimum: 1 };
const READING: readonly ProblemCode[] = [
  "too_many_git",
  "git_failed",
  "git_missing",
  "store_unavailable",
  "storage_full",
];
const KNOWN: readonly ProblemCode[] = ["invalid_name", "unknown_repository", ...READING];
const CHANGING: readonly ProblemCode[] = [...KNOWN, "repository_conflict", "too_many_waiting"];

/** `/git` and the paths below it that are no part of the protocol of git. */
export function repositoryPaths({ pageSize }: Limits): Record<string, Schema> {
  const limit = (otherwise: number) => query("limit", { ...VERSION, maximum: pageSize, default: otherwise });
  const cursor = query("cursor", TEXT);
  const change = object({ branch: TEXT });
  return {
    "/git": {
      get: operation("listRepositories", "A page of git repositories in order of name", {
        parameters: [
          ...[limit(pageSize), cursor],
          query("function", ref("Name"), { description: "Only the repository that has this function" }),
        ],
        answers: { 200: json("The page", ref("RepositoryPage")) },
        problems: READING,
      }),
    },
    "/git/{name}": {
      parameters: [NAME],
      get: operation("describeRepository", "A git repository; that of a function is made if there is none", {
        answers: { 200: json("The repository", ref("Repository")) },
        problems: [...KNOWN, "too_many_waiting"],
      }),
      patch: operation("changeRepository", "Choose the branch that deploys, without a deploy", {
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: change },
            "application/merge-patch+json": { schema: change },
          },
        },
        answers: { 200: json("The repository", ref("Repository")) },
        problems: [...CHANGING, "push_refused", "unsupported_media_type", "body_too_large"],
      }),
      delete: operation("removeRepository", "Remove a git repository; its functions stay", {
        answers: { 200: json("Removed", ref("Removed")) },
        problems: CHANGING,
      }),
    },
    "/git/{name}/commits": {
      parameters: [NAME],
      get: operation("listCommits", "A page of the commits of the branch that deploys, newest first", {
        parameters: [
          ...[limit(Math.min(50, pageSize)), cursor],
          query("function", ref("Name"), { description: "Only commits that change this function" }),
        ],
        answers: { 200: json("The page", ref("CommitPage")) },
        problems: [...KNOWN, "unknown_function", "too_many_waiting"],
      }),
    },
    "/git/{name}/commits/{id}/diff": {
      parameters: [
        NAME,
        {
          ...{ name: "id", in: "path", required: true, schema: { type: "string" } },
          description: "At least 4 digits of the id of the commit",
        },
      ],
      get: operation("readCommitDiff", "What a commit changes against its first parent", {
        answers: {
          200: {
            description: "A unified diff, cut at 1 MiB; of binary files it has the names alone",
            headers: CALL_ID,
            content: { "text/x-diff": { schema: TEXT } },
          },
        },
        problems: [...KNOWN, "unknown_commit", "too_many_waiting"],
      }),
    },
  };
}

/** The schemas of git repositories. */
export function repositorySchemas(): Record<string, Schema> {
  const page = (member: string, items: Schema) =>
    object({ [member]: array(items), next: { ...orNull(TEXT), description: "The cursor of the next page" } });
  const summary: Record<string, Schema> = {
    name: ref("Name"),
    url: { ...TEXT, description: "What git clones" },
    branch: { ...TEXT, description: "The branch whose commits are deployed" },
    head: { ...orNull(COMMIT_ID), description: "Its newest commit; null before the first one" },
    isGroup: { ...FLAG, description: "Whether `skiff.yaml` of the repository declares its functions" },
    updatedAt: INSTANT,
  };
  const member = object({
    name: ref("Name"),
    path: { ...TEXT, description: "Its file or folder in the repository; `.` for all of it" },
    version: { ...orNull(VERSION), description: "The version that has the source of the newest commit" },
    traffic: array(object({ version: VERSION, weight: COUNT }), { description: "Versions that take calls" }),
  });
  return {
    RepositorySummary: object({ ...summary, functions: array(ref("Name")) }),
    RepositoryPage: page("repositories", ref("RepositorySummary")),
    Repository: object({
      ...{ ...summary, functions: array(member) },
      bytes: { ...COUNT, description: "Size of its objects" },
      mirror: { oneOf: [ref("Mirror"), { type: "null" }] },
    }),
    Mirror: object(
      {
        url: TEXT,
        direction: { enum: ["pull", "push"], description: "`pull`: what is pushed there is deployed here" },
        last: {
          oneOf: [object({ at: INSTANT }, { commit: COMMIT_ID, error: TEXT }), { type: "null" }],
          description: "How the last attempt ended",
        },
      },
      {
        branch: { ...TEXT, description: "The branch there; by default the one that deploys" },
        secret: { ...TEXT, description: "The secret with its password or token" },
        webhookSecret: { ...TEXT, description: "The secret that signs requests of its webhook" },
        webhook: { ...TEXT, description: "The URL of the webhook, to enter there" },
      },
    ),
    Commit: object({
      ...{ id: COMMIT_ID, parents: array(COMMIT_ID), author: TEXT, email: TEXT, at: INSTANT },
      subject: { ...TEXT, description: "The first line of its message" },
      body: { ...TEXT, description: "The rest of its message" },
      versions: {
        ...{ type: "object", propertyNames: ref("Name"), additionalProperties: VERSION },
        description: "The newest kept version with its source, by function",
      },
    }),
    CommitPage: page("commits", ref("Commit")),
  };
}
