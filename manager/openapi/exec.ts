import type { Limits } from "../../platform/limits.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { CALL_ID, operation, query } from "./operation.ts";
import { array, object, ref, type Schema, TEXT } from "./schema.ts";

/** `/exec`. */
export function execPaths(limits: Limits): Record<string, Schema> {
  const { execMs, execMemoryBytes } = limits;
  const time = `At most ${formatMs(execMs)}, the default, such as \`10s\``;
  const memory = `At most ${formatBytes(execMemoryBytes)}, the default, such as \`64Mi\``;
  const parameters = [
    query("image", TEXT, { required: true, description: "`host` for the sandbox of this machine" }),
    query("cmd", TEXT, { description: "The command, split as a shell does without running one" }),
    query("arg", array(TEXT), { description: "Instead of `cmd`: each word of the command" }),
    query("timeout", TEXT, { description: time }),
    query("memory", TEXT, { description: memory }),
    query("pull-secret", TEXT, {
      description: "Secret `user:password` for the registry; needs `deploy` too",
    }),
    {
      ...{ name: "x-skiff-env-NAME", in: "header", schema: TEXT },
      description: "The variable NAME of the command; a name without capitals gets them",
    },
  ];
  const answers = { 200: answer() };
  const problems = [
    "exec_off",
    "image_not_allowed",
    "invalid_setting",
    "unknown_secret",
    "body_too_large",
    "image_unavailable",
    "command_not_found",
    "start_failed",
    "no_sandbox",
    "too_many_commands",
    "out_of_memory",
    "no_engine",
    "platform_unavailable",
    "secrets_unavailable",
    "storage_full",
    "command_timeout",
  ] as const;
  const requestBody = {
    description: "The standard input of the command, in any media type",
    content: { "*/*": { schema: { type: "string", format: "binary" } } },
  };
  return {
    "/exec": {
      get: operation("runCommand", "Run a command", { parameters, answers, problems }),
      post: operation("runCommandWithInput", "Run a command with the body as its standard input", {
        ...{ parameters, requestBody, answers, problems },
      }),
    },
  };
}

function answer(): Schema {
  const trailer = (description: string) => ({ description: `Trailer: ${description}`, schema: TEXT });
  return {
    description:
      "The output as it comes, as text or by `Accept` in lines of JSON; by `Accept` JSON at the end",
    headers: {
      ...CALL_ID,
      "skiff-exit-code": trailer("the exit code; absent if Skiff ended the command"),
      "skiff-duration-ms": trailer("milliseconds that the command ran"),
      "skiff-error": trailer("why Skiff ended the command"),
    },
    content: {
      "text/plain": { schema: TEXT },
      "application/x-ndjson": { schema: ref("CommandLine") },
      "application/json": { schema: ref("CommandResult") },
    },
  };
}

export function execSchemas(): Record<string, Schema> {
  return {
    CommandLine: object(
      {},
      {
        output: { ...TEXT, description: "What the standard output has got" },
        errors: {
          ...TEXT,
          description: "What the standard error has got, where the platform tells it apart",
        },
        exitCode: { type: "integer", description: "Of the last line: 128 and its number for a signal" },
        durationMs: { type: "integer", minimum: 0, description: "Of the last line" },
        error: {
          enum: ["timeout", "out_of_memory", "output_too_large", "body_too_large", "draining"],
          description: "Of the last line: why Skiff ended the command",
        },
        detail: { ...TEXT, description: "Of the last line: what to do about `error`" },
      },
    ),
    CommandResult: object(
      {
        durationMs: { type: "integer", minimum: 0 },
        truncated: { type: "boolean", description: "The output, or the errors, have more than is here" },
      },
      {
        exitCode: { type: "integer", description: "128 and its number for a signal" },
        output: { ...TEXT, description: "Standard output; absent where it is not UTF-8" },
        outputBase64: { ...TEXT, description: "Standard output that is not UTF-8, in base64" },
        errors: { ...TEXT, description: "Standard error, where the platform tells it apart" },
        errorsBase64: { ...TEXT, description: "Standard error that is not UTF-8, in base64" },
        error: { enum: ["output_too_large"], description: "Why Skiff ended the command" },
      },
    ),
  };
}
