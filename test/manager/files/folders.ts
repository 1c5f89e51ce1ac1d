import request from "supertest";
import { packTar } from "../../../manager/files/archive.ts";

/** The answer to an apply. */
export interface Applied {
  readonly dryRun: boolean;
  readonly functions: readonly {
    readonly name: string;
    readonly action: string;
    readonly state: string;
    readonly version?: number;
    readonly url?: string;
    readonly diff: string;
    readonly problem?: { readonly code: string; readonly detail: string };
  }[];
  readonly topics: readonly AppliedObject[];
  readonly flows: readonly AppliedObject[];
  readonly subscriptions: readonly AppliedObject[];
  readonly schedules: readonly AppliedObject[];
  readonly warnings: readonly string[];
}

interface AppliedObject {
  readonly name: string;
  readonly action: string;
  readonly state: string;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A tar of a folder. */
export function folderOf(files: Files): Promise<Buffer> {
  const entries = Object.entries(files).map(
    ([path, content]) => [path, typeof content === "string" ? Buffer.from(content) : content] as const,
  );
  return packTar(new Map(entries));
}

/** Applies a folder; `query` such as `dryRun&prune`. */
export async function apply(url: string, files: Files, query = ""): Promise<request.Response> {
  const body = await folderOf(files);
  return await request(url).post(`/apply?${query}`).set("content-type", "application/x-tar").send(body);
}

/** `create hello done` for each function of an answer. */
export function actions({ body }: request.Response): string[] {
  return (body as Applied).functions.map(({ action, name, state }) => `${action} ${name} ${state}`);
}
