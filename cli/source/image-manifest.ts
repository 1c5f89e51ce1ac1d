import { readFileSync } from "node:fs";
import type { SourceFile } from "./folder-files.ts";

/** Returns the path of the `skiff.yaml` among the files of a folder if it names an image; undefined otherwise. */
export async function imageManifest(files: readonly SourceFile[]): Promise<string | undefined> {
  const manifest = files.find(({ path }) => path === "skiff.yaml" || path === "skiff.yml");
  if (manifest === undefined) return undefined;
  const text = readFileSync(manifest.file, "utf8");
  // Most files need no parser.
  if (!text.includes("image")) return undefined;
  const { load, YAMLException } = await import("js-yaml");
  try {
    return namesImage(load(text)) ? manifest.path : undefined;
  } catch (error) {
    // The manager says what is wrong, with its line.
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
}

function namesImage(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const all = isRecord(value.functions) ? Object.values(value.functions) : [value];
  return all.some((each) => isRecord(each) && typeof each.image === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
