import { type Draft, EditFault, type Path } from "./draft.ts";
import type { ConnectEdit, LinkKind } from "./flow-edit.ts";
import { addItem, removeItem } from "./items.ts";
import { removeMember, setMember } from "./members.ts";
import { pathOfStep } from "./step-paths.ts";

export function connect(draft: Draft, { from, to, link, on }: ConnectEdit): void {
  if (from === to) throw new EditFault(`Step ${from} cannot follow itself.`);
  const [before, after] = [pathOfStep(draft, from), pathOfStep(draft, to)];
  if (placesOf(draft, { before, after, link }, [from, to]).length > 0) return;
  if (link === "needs") addItem(draft, [...after, "needs"], from);
  else if (link === "else") setMember(draft, [...after, "else"], from);
  else addItem(draft, [...before, "catch"], { ...(on && on.length > 0 && { on }), then: to });
}

export function disconnect(
  draft: Draft,
  { from, to, link }: { readonly from: string; readonly to: string; readonly link: LinkKind },
): void {
  const [before, after] = [pathOfStep(draft, from), pathOfStep(draft, to)];
  if (link === "else") {
    if (draft.json([...after, "else"]) === from) removeMember(draft, [...after, "else"]);
    return;
  }
  const path = link === "needs" ? [...after, "needs"] : [...before, "catch"];
  for (const index of placesOf(draft, { before, after, link }, [from, to]).reverse())
    removeItem(draft, path, index);
}

/** Returns the indexes of a link in its list. */
function placesOf(
  draft: Draft,
  { before, after, link }: { readonly before: Path; readonly after: Path; readonly link: LinkKind },
  [from, to]: readonly [string, string],
): number[] {
  if (link === "else") return draft.json([...after, "else"]) === from ? [0] : [];
  if (link === "needs") return indexes(draft.json([...after, "needs"]), (item) => item === from);
  return indexes(draft.json([...before, "catch"]), (rule) => thenOf(rule) === to);
}

export function indexes(list: unknown, isWanted: (item: unknown) => boolean): number[] {
  return [list].flat().flatMap((item, index) => (isWanted(item) ? [index] : []));
}

/** The step that a rule of `catch` chooses. */
export function thenOf(rule: unknown): unknown {
  return typeof rule === "object" && rule !== null && "then" in rule ? rule.then : undefined;
}
