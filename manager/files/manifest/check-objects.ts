import type { ManifestFile } from "../../../runtimes/runtime.ts";
import type { ObjectKind } from "../object-kind.ts";
import type { Contents } from "../unified-diff.ts";
import type { DeclaredObject } from "./declared.ts";
import { normalPath, notFound } from "./find-source.ts";
import type { Mistakes } from "./mistakes.ts";

/** A topic, a flow, a subscription or a schedule of a folder, checked. */
export interface FolderObject extends Omit<DeclaredObject, "plural" | "file"> {
  readonly kind: ObjectKind;
  /** The functions that it calls. */
  readonly functions: readonly string[];
}

interface Checking {
  readonly files: Contents;
  readonly manifest: ManifestFile;
  readonly mistakes: Mistakes;
}

/** Checks the specs of a manifest, and of the files that it names. Each fault is a mistake at its place. */
export async function checkObjects(
  objects: readonly DeclaredObject[],
  kinds: readonly ObjectKind[],
  { files, manifest, mistakes }: Checking,
): Promise<FolderObject[]> {
  const checked: FolderObject[] = [];
  for (const { plural, file, ...object } of objects) {
    const kind = kinds.find((each) => each.plural === plural)!;
    const spec = file === undefined ? object.spec : specIn(files, file);
    if (typeof spec === "string") {
      mistakes.add(manifest, object.pointer, `${kind.noun} "${object.name}": ${spec}`);
      continue;
    }
    const faults = await kind.check(spec, object.name);
    for (const { pointer, detail, place } of faults) {
      const message = `${kind.noun} "${object.name}": ${detail}`;
      if (file !== undefined && place !== undefined) mistakes.addAt({ message, file, ...place });
      else mistakes.add(manifest, `${object.pointer}${pointer}`, message);
    }
    const functions = faults.length === 0 ? await kind.functionsOf(spec, object.name) : [];
    checked.push({ ...object, spec, kind, functions });
  }
  return checked;
}

/** Returns the text of a file as a spec, or what is wrong with its path. */
function specIn(files: Contents, file: string): { readonly source: string } | string {
  const path = normalPath(file);
  if (path === undefined) return `"${file.slice(0, 80)}" must be a path inside of the folder.`;
  const bytes = files.get(path);
  if (bytes === undefined) return notFound(files, path);
  try {
    return { source: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return `The file "${path.slice(0, 80)}" is not valid UTF-8.`;
  }
}
