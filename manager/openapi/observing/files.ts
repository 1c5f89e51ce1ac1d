import { CALL_ID, json, NAME, operation, query } from "../operation.ts";
import { array, COUNT, object, ref, type Schema, TEXT } from "../schema.ts";

const VERSION: Schema = { type: "integer", minimum: 1 };
const BASE64: Schema = { ...TEXT, contentEncoding: "base64" };

/** `/func/NAME/files`. */
export function sourceFilePaths(): Record<string, Schema> {
  const etag = { etag: { schema: TEXT, description: "The version in quotes, for If-Match" } };
  return {
    "/func/{name}/files": {
      parameters: [NAME],
      get: operation("readFiles", "The files of the source of a version", {
        parameters: [query("version", VERSION, { description: "The current version by default" })],
        answers: {
          200: {
            ...json("The files in order of path", ref("SourceFiles")),
            headers: { ...CALL_ID, ...etag },
          },
        },
        problems: [
          "invalid_name",
          "unknown_function",
          "unknown_version",
          "invalid_source",
          "source_too_large",
          "no_capacity",
        ],
      }),
    },
  };
}

export function sourceFileSchemas(): Record<string, Schema> {
  const file = object(
    { path: TEXT, bytes: COUNT },
    { text: { ...TEXT, description: "Valid UTF-8 of at most 1 MiB" }, base64: BASE64 },
  );
  return {
    SourceFiles: object(
      { version: VERSION, files: array(file) },
      { entry: { ...TEXT, description: "The setting entry, if there is one" } },
    ),
    PostedFiles: object(
      {
        files: {
          type: "object",
          additionalProperties: { anyOf: [TEXT, object({ base64: BASE64 })] },
          description: "Contents by path",
        },
      },
      { entry: { ...TEXT, description: "As the setting entry. Without it one file is a plain source" } },
    ),
  };
}
