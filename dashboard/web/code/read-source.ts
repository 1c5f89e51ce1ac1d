import { api } from "../api/client.ts";
import { pathOf } from "../function/described.ts";
import type { Content, Source } from "./source.ts";

interface FilesAnswer {
  readonly version: number;
  readonly entry?: string;
  readonly files: readonly ({ readonly path: string; readonly bytes: number } & Partial<
    Record<"text" | "base64", string>
  >)[];
}

/** Reads the files of a version, of the current one by default. */
export async function readSource(name: string, version?: number): Promise<Source> {
  const path = `${pathOf(name)}/files`;
  const { files, ...answer } = await api.get<FilesAnswer>(path, { version });
  const contents = files.map(({ path, bytes, text, base64 = "" }): [string, Content] => [
    path,
    text === undefined ? { base64, bytes } : { text },
  ]);
  return { ...answer, files: Object.fromEntries(contents) };
}
