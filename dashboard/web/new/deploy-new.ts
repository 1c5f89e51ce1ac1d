import { api, type Query } from "../api/client.ts";
import { postedFiles } from "../code/source.ts";
import type { Chosen } from "./chosen-files.ts";

export interface ImageChoice {
  readonly image: string;
  readonly command: string;
  /** `serve`: it speaks HTTP on `$PORT`. `call`: each call starts the command. */
  readonly mode: "serve" | "call";
}

export type NewSource =
  | { readonly kind: "text"; readonly text: string; readonly settings?: Query }
  | { readonly kind: "chosen"; readonly chosen: Chosen; readonly isProgram: boolean }
  | ({ readonly kind: "image" } & ImageChoice);

/**
 * Deploys a function that does not exist.
 * @throws ApiProblem `precondition_failed` if it does
 */
export async function deployNew(name: string, source: NewSource): Promise<{ readonly version: number }> {
  const { query, ...content } = requestOf(source);
  return await api.send("POST", "/func", {
    ...content,
    query: { name, ...query },
    headers: {
      "if-none-match": "*",
      ...("json" in content ? {} : { "content-type": "application/octet-stream" }),
    },
  });
}

function requestOf(source: NewSource): {
  readonly query?: Query;
  readonly json?: unknown;
  readonly body?: BodyInit;
} {
  if (source.kind === "text") {
    return { body: source.text, ...(source.settings === undefined ? {} : { query: source.settings }) };
  }
  if (source.kind === "image") {
    const { image, command, mode } = source;
    return {
      query: { image: image.trim(), mode, command: command.trim() === "" ? undefined : command.trim() },
    };
  }
  const { chosen, isProgram } = source;
  const query = isProgram ? { runtime: "program" } : {};
  if (chosen.kind === "archive") return { query, body: chosen.archive };
  return { query, json: postedFiles(single(chosen.files), undefined) };
}

/** One file of code is a source by itself, whatever its name. */
function single(files: Parameters<typeof postedFiles>[0]) {
  const contents = Object.values(files);
  return contents.length === 1 ? { "main.ts": contents[0]! } : files;
}
