import { isDeclarationName } from "../../../platform/declarations.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { type DeclaredFunction, type DeclaredObject, OBJECT_MEMBERS, type ObjectMember } from "./declared.ts";
import { type Reading, shown } from "./members.ts";
import { below } from "./mistakes.ts";

const MOST_OBJECTS = 1_000;

/** Reads the maps of topics, flows, subscriptions and schedules, and the subscriptions of functions with a `topic`. */
export function readObjects(
  reading: Reading,
  maps: Readonly<Partial<Record<ObjectMember, unknown>>>,
  functions: readonly DeclaredFunction[],
): DeclaredObject[] {
  const objects = OBJECT_MEMBERS.flatMap((plural) => readMap(reading, plural, maps[plural]));
  const named = new Set(objects.filter(({ plural }) => plural === "subscriptions").map(({ name }) => name));
  for (const { subscription } of functions) {
    if (subscription === undefined) continue;
    const { name, pointer } = subscription;
    if (!named.has(name)) objects.push(subscription);
    else {
      const detail = `The topic of "${name}" makes a subscription "${name}", which is declared too: keep one of them.`;
      reading.mistakes.add(reading.manifest, below(pointer, "topic"), detail);
    }
  }
  return objects;
}

function readMap({ manifest, mistakes }: Reading, plural: ObjectMember, map: unknown): DeclaredObject[] {
  const pointer = below("", plural);
  if (map === undefined || map === null) return [];
  if (!isRecord(map)) {
    mistakes.add(manifest, pointer, `${plural} must be an object of ${plural} by name, not ${shown(map)}.`);
    return [];
  }
  const entries = Object.entries(map);
  if (entries.length > MOST_OBJECTS) {
    mistakes.add(
      manifest,
      pointer,
      `The file declares ${entries.length} ${plural}, at most ${MOST_OBJECTS}.`,
    );
    return [];
  }
  return entries.flatMap(([name, declared]) => {
    const at = below(pointer, name);
    // A topic has nothing that must be said, and a flow is in a file of its own.
    const spec = declared ?? {};
    const file = plural === "flows" ? (declared ?? `${name}.flow.yaml`) : undefined;
    if (!isDeclarationName(name)) mistakes.add(manifest, at, wrongName(name));
    else if (typeof file === "string") return [{ plural, name, pointer: at, spec: {}, file }];
    else if (!isRecord(spec))
      mistakes.add(manifest, at, `"${name}" must be an object, not ${shown(declared)}.`);
    else return [{ plural, name, pointer: at, spec }];
    return [];
  });
}

function wrongName(name: string): string {
  return `${shown(name)} is not a valid name: use 1 to 63 characters of a-z, 0-9 and "-", starting with a letter and not ending with "-".`;
}
