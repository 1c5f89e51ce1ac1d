import { gzipSync } from "node:zlib";
import { encodeFiles, joinProject } from "../../client-image/project/project-pack.ts";

export type Texts = Readonly<Record<string, string | Uint8Array>>;

/** What every project has beside its own files. */
const CONFIGURATION: Texts = { "deno.json": "{}", "deno.lock": '{"version":"5"}' };

/** Packs a project that imports nothing from outside, as a build does. */
export function packedProject(texts: Texts, entry = "main.ts"): Uint8Array {
  const encoder = new TextEncoder();
  const files = Object.entries({ ...CONFIGURATION, ...texts }).map(
    ([path, text]) => [path, typeof text === "string" ? encoder.encode(text) : text] as const,
  );
  return joinProject(
    { entry, replaced: [], importHosts: [] },
    gzipSync(Buffer.concat([...encodeFiles(new Map(files))])),
  );
}
