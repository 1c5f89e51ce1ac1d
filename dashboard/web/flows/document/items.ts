import { isSeq } from "yaml";
import { type Draft, endOf, type Path, rangeOf } from "./draft.ts";
import { removeFlow, removeLines, removeMember, setMember, styleOf } from "./members.ts";
import { writeFlow } from "./write.ts";

/** Adds an item at the end of a list. One value in the place of a list becomes one. */
export function addItem(draft: Draft, path: Path, item: unknown): void {
  const list = draft.at(path);
  const last = isSeq(list) ? list.items.at(-1) : undefined;
  if (!isSeq(list) || last === undefined) {
    const value = draft.json(path);
    setMember(draft, path, value === undefined || isSeq(list) ? [item] : [value, item]);
    return;
  }
  const written = writeFlow(item, styleOf(draft).isJson);
  const end = endOf(draft.text, last as Parameters<typeof endOf>[1]);
  const start = rangeOf(last)[0];
  const lines = `${draft.eol}${" ".repeat(draft.columnOf(list.flow ? start : rangeOf(list)[0]))}`;
  if (list.flow) draft.replace(end, end, `,${draft.isFirstOfLine(start) ? lines : " "}${written}`);
  else {
    const at = draft.lineEnd(end);
    draft.replace(at, at, `${lines}- ${written}`);
  }
}

/** Removes an item of a list, or the whole member if there is no other one. */
export function removeItem(draft: Draft, path: Path, index: number): void {
  const list = draft.at(path);
  if (!isSeq(list) || list.items.length <= 1) {
    removeMember(draft, path);
    return;
  }
  const bounds = (item: unknown) => {
    const end = endOf(draft.text, item as Parameters<typeof endOf>[1]);
    return { start: rangeOf(item)[0], end };
  };
  const own = bounds(list.items[index]);
  if (list.flow) {
    const [next, previous] = [list.items[index + 1], list.items[index - 1]];
    removeFlow(draft, own, {
      next: next === undefined ? undefined : bounds(next).start,
      previous: previous === undefined ? undefined : bounds(previous).end,
      whole: rangeOf(list),
    });
  } else removeLines(draft, draft.text.lastIndexOf("-", own.start - 1), own.end);
}
