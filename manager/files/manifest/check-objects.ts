import type { ManifestFile } from "../../../runtimes/runtime.ts";
import type { ObjectKind } from "../object-kind.ts";
import type { DeclaredObject } from "./declared.ts";
import type { Mistakes } from "./mistakes.ts";

/** A topic, a subscription or a schedule of a folder, checked. */
export interface FolderObject extends Omit<DeclaredObject, "plural"> {
  readonly kind: ObjectKind;
}

/** Checks the specs of a manifest. Each fault is a mistake at its place. */
export function checkObjects(
  objects: readonly DeclaredObject[],
  kinds: readonly ObjectKind[],
  { manifest, mistakes }: { readonly manifest: ManifestFile; readonly mistakes: Mistakes },
): FolderObject[] {
  const checked: FolderObject[] = [];
  for (const { plural, ...object } of objects) {
    const kind = kinds.find((each) => each.plural === plural)!;
    for (const { pointer, detail } of kind.check(object.spec)) {
      mistakes.add(manifest, `${object.pointer}${pointer}`, `${kind.noun} "${object.name}": ${detail}`);
    }
    checked.push({ ...object, kind });
  }
  return checked;
}
