import { joinProject } from "../../../client-image/project/project-pack.ts";
import type { Built } from "../../runtime.ts";
import type { Need } from "./needs.ts";

/** What a build worker found in the source of a program. */
export interface FoundProgram {
  readonly command: readonly string[];
  readonly executables: readonly string[];
  readonly needs: readonly Need[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The longest description of a program that an artifact holds. */
const MOST_LAUNCH_BYTES = 0xffff;

/**
 * Makes the artifact of a program.
 * @param body its files, encoded and gzipped
 * @throws Error if the worker did not keep to the form
 */
export function readProgram(
  { command, executables, needs, settings }: FoundProgram,
  body: Uint8Array,
): Built {
  if (!isTexts(command) || !isTexts(executables) || !needs.every(isNeed)) {
    throw new Error("a build worker described a program wrongly");
  }
  const launch = { entry: "", replaced: [], importHosts: [], program: { command, executables } };
  if (Buffer.byteLength(JSON.stringify(launch)) > MOST_LAUNCH_BYTES) {
    throw new Error("a build worker described a program at too great a length");
  }
  const artifact = { kind: "project", code: joinProject(launch, body) } as const;
  return { artifact, needs, ...(settings ? { settings } : {}) };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isNeed({ kind, name, by }: Need): boolean {
  return ["program", "file", "library"].includes(kind) && isTexts([name, by]);
}
