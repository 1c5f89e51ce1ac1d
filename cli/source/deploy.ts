import type { Api } from "../api/api.ts";
import { sourceForm } from "../api/form.ts";
import { ApiProblem } from "../api/problem.ts";
import type { LocalSource } from "./read-source.ts";

/** What a deploy answers. */
export interface Deployed {
  readonly name: string;
  readonly version: number;
  readonly url: string;
  readonly created: boolean;
  readonly unchanged: boolean;
  readonly warnings?: readonly string[];
}

export interface DeployOrder {
  readonly name: string;
  /** Undefined if `fields` name an image. */
  readonly source: LocalSource | undefined;
  /** Settings. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** The version that must be current. */
  readonly ifVersion?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Deploys a source. @throws ApiProblem with the names that the files have on this machine */
export async function deploy(api: Api, order: DeployOrder): Promise<Deployed> {
  const { name, source, fields, query = {}, ifVersion, signal } = order;
  const isNamed = fields.some(([field]) => field === "entry");
  // An empty one resets that of a deploy before.
  const entry = isNamed || source?.entry === undefined ? [] : [["entry", source.entry] as const];
  const { type, body } = sourceForm(source?.bytes, [...fields, ...entry]);
  try {
    return await api.json<Deployed>(`/func/${encodeURIComponent(name)}`, {
      method: "PUT",
      query,
      headers: {
        "content-type": type,
        ...(ifVersion === undefined ? {} : { "if-match": ifVersion === "*" ? "*" : `"${ifVersion}"` }),
      },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throw error instanceof ApiProblem && source !== undefined
      ? ownWords(withLocalNames(error, source))
      : error;
  }
}

/** The API names a parameter where this command has an option. */
function ownWords(problem: ApiProblem): ApiProblem {
  const { detail } = problem.document;
  if (problem.code !== "invalid_source" || typeof detail !== "string") return problem;
  const own = detail.replace("with runtime=program", "with --runtime program");
  return new ApiProblem(problem.status, { ...problem.document, detail: own });
}

/** Replaces the names of files in the source, with which places in errors begin, by the paths on this machine. */
function withLocalNames(problem: ApiProblem, { files }: LocalSource): ApiProblem {
  const { detail, errors } = problem.document;
  if (!Array.isArray(errors) || typeof detail !== "string") return problem;
  const local = (name: string) => files.get(name) ?? name;
  return new ApiProblem(problem.status, {
    ...problem.document,
    detail: detail.replaceAll(/^([^\s:]+)(?=:\d+:\d+: )/gm, local),
    errors: errors.map((each: { file: string }) => ({ ...each, file: local(each.file) })),
  });
}
