import type { ProblemCode } from "../../../platform/problems.ts";
import { json, NAME, operation } from "../operation.ts";
import { COMMIT_ID, object, orNull, ref, type Schema, TEXT } from "../schema.ts";

const KNOWN: readonly ProblemCode[] = [
  ...(["invalid_name", "unknown_repository", "git_missing", "store_unavailable", "storage_full"] as const),
  ...(["too_many_waiting", "repository_conflict"] as const),
];
const BODY: readonly ProblemCode[] = ["body_too_large", "unsupported_media_type"];
const DEPLOYING: readonly ProblemCode[] = [
  ...([
    "mirror_failed",
    "git_failed",
    "unknown_secret",
    "secrets_unavailable",
    "push_refused",
    "too_many_git",
  ] as const),
  ...([
    "unknown_commit",
    "invalid_source",
    "source_too_large",
    "invalid_setting",
    "invalid_declaration",
  ] as const),
  ...(["build_failed", "start_failed", "apply_failed", "runtime_missing", "no_sandbox"] as const),
  ...(["image_unavailable", "host_taken", "platform_unavailable"] as const),
];

/** The mirror of a git repository, and what makes it follow. */
export function mirrorPaths(): Record<string, Schema> {
  const wanted = object(
    {
      url: { ...TEXT, description: "`https://` or `http://`, without credentials" },
      direction: { enum: ["pull", "push"], description: "`pull`: what is pushed there is deployed here" },
    },
    {
      branch: { ...TEXT, description: "The branch there; by default the one that deploys" },
      secret: { ...ref("SecretName"), description: "A secret with a token, or `user:password`" },
      force: {
        type: "boolean",
        description: "Whether the first pull may replace what has no commit in common with it",
      },
      webhookSecret: { ...ref("SecretName"), description: "A secret of at least 16 characters that signs" },
    },
  );
  return {
    "/git/{name}/mirror": {
      parameters: [NAME],
      put: operation("putMirror", "Follow another repository, or let it follow", {
        requestBody: { required: true, content: { "application/json": { schema: wanted } } },
        answers: { 200: json("The mirror", ref("Mirror")) },
        problems: [...KNOWN, ...BODY, "unknown_secret", "secrets_unavailable"],
      }),
      delete: operation("removeMirror", "No longer mirror a repository; both sides stay as they are", {
        answers: { 200: json("Removed", ref("Removed")) },
        problems: [...KNOWN, "unknown_mirror"],
      }),
    },
    "/git/{name}/sync": {
      parameters: [NAME],
      post: operation("syncMirror", "Fetch and deploy, or push, now", {
        answers: { 200: json("What became of it", ref("MirrorOutcome")) },
        problems: [...KNOWN, ...DEPLOYING, "unknown_mirror"],
      }),
    },
    "/git/{name}/hook": {
      parameters: [NAME],
      post: operation("receiveHook", "A webhook of GitHub, Gitea, Forgejo or GitLab, after a push there", {
        isSigned: true,
        requestBody: {
          required: true,
          description: "What the product sends, at most 1 MiB, with its signature in a header",
          content: { "application/json": {}, "application/x-www-form-urlencoded": {} },
        },
        answers: {
          200: json("A ping, or another event or branch", ref("HookAnswer")),
          202: json("It is fetched and deployed afterwards", ref("HookAnswer")),
        },
        problems: [...KNOWN, ...BODY, "secrets_unavailable"],
      }),
    },
  };
}

/** The schemas of mirrors besides `Mirror`. */
export function mirrorSchemas(): Record<string, Schema> {
  return {
    MirrorOutcome: object({
      direction: { enum: ["pull", "push"] },
      result: { enum: ["deployed", "pushed", "unchanged"] },
      branch: { ...TEXT, description: "The branch there" },
      commit: COMMIT_ID,
      detail: { ...TEXT, description: "Such as `main abc1234: hello version 4`" },
    }),
    HookAnswer: object(
      { result: { enum: ["accepted", "pong", "ignored"] } },
      {
        branch: { ...TEXT, description: "The branch that is fetched" },
        commit: { ...orNull(COMMIT_ID), description: "What the sender says it is at" },
        reason: { ...TEXT, description: "Why it is ignored" },
      },
    ),
  };
}
