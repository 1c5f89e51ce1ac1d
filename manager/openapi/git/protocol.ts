import { operation, query } from "../operation.ts";
import type { Schema } from "../schema.ts";

const REPOSITORY: Schema = {
  ...{ name: "repository", in: "path", required: true, schema: { type: "string" } },
  description: "`NAME.git` or `NAME`, the name of a function or of a group of functions",
};
const BYTES: Schema = { type: "string", format: "binary" };
const SERVING = [
  "invalid_name",
  "unknown_repository",
  "too_many_git",
  "git_failed",
  "git_missing",
  "store_unavailable",
  "storage_full",
] as const;

/** The smart protocol of git, whose clients send a key as the password. Problems are plain texts there. */
export function gitPaths(): Record<string, Schema> {
  const parameters = [REPOSITORY];
  const problems = SERVING;
  const binary = (description: string, type: string) => ({
    200: { description, content: { [`application/x-${type}`]: { schema: BYTES } } },
  });
  const service = query(
    "service",
    { enum: ["git-upload-pack", "git-receive-pack"] },
    { required: true, description: "What follows: a clone or fetch, or a push" },
  );
  const body = (type: string) => ({
    requestBody: { required: true, content: { [`application/x-${type}-request`]: { schema: BYTES } } },
  });
  return {
    "/git/{repository}/info/refs": {
      parameters,
      get: operation("advertiseRefs", "Begin a clone, a fetch or a push", {
        parameters: [service],
        answers: binary("The refs", "git-upload-pack-advertisement"),
        problems,
      }),
    },
    "/git/{repository}/git-upload-pack": {
      parameters,
      post: operation("uploadPack", "Clone or fetch", {
        ...body("git-upload-pack"),
        ...{ answers: binary("Objects", "git-upload-pack-result"), problems },
      }),
    },
    "/git/{repository}/git-receive-pack": {
      parameters,
      post: operation("receivePack", "Push, which deploys what the branch has", {
        ...body("git-receive-pack"),
        ...{ answers: binary("What became of the push", "git-receive-pack-result") },
        problems: [...problems, "push_too_large", "push_refused", "repository_conflict", "unknown_commit"],
      }),
    },
  };
}
