import type { Declared } from "../../platform/declarations.ts";
import type { Platform } from "../../platform/platform.ts";
import type { ObjectKind } from "./object-kind.ts";

const PAGE = 500;

/** Lists every declaration of a kind, in the order of their names. */
export async function allObjects(
  { declarations }: Pick<Platform, "declarations">,
  { kind }: Pick<ObjectKind, "kind">,
): Promise<Declared[]> {
  const all: Declared[] = [];
  for (;;) {
    const page = await declarations.list(kind, { after: all.at(-1)?.name, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
