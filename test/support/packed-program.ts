import { gzipSync } from "node:zlib";
import { encodeFiles, joinProject } from "../../client-image/project/project-pack.ts";
import type { Settings } from "../../platform/settings/settings.ts";
import { draftOfContent, type NewDraft } from "./platform/draft.ts";

export interface PackedProgram {
  readonly command?: readonly string[];
  readonly settings?: Partial<Settings>;
}

/** A draft of a program that consists of one file: a script with its `#!` line. */
export function programDraft(
  name: string,
  script: string | Uint8Array,
  packed: PackedProgram = {},
): NewDraft {
  const { command = ["./main"], settings = {} } = packed;
  const bytes = typeof script === "string" ? new TextEncoder().encode(script) : script;
  const launch = {
    ...{ entry: "", replaced: [], importHosts: [] },
    program: { command, executables: ["main"] },
  };
  const body = gzipSync(Buffer.concat([...encodeFiles(new Map([["main", bytes]]))]));
  return draftOfContent(
    name,
    {
      source: { bytes, type: "application/octet-stream" },
      artifact: { kind: "project", code: joinProject(launch, body) },
    },
    { runtime: "program", permissions: { net: [], sys: [] }, ...settings },
  );
}
