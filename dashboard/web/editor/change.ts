import { isolateHistory } from "@codemirror/commands";
import { Annotation, type ChangeSpec, type Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

/** Marks a change that the page made, not somebody at the keyboard. */
export const fromPage = Annotation.define<boolean>();

/**
 * Changes the text of an editor as little as needed: cursor, folds, marks and scroll position stay.
 * The change is one step of the undo history, and `onChange` is not called for it.
 */
export function replaceText(view: EditorView, text: string): void {
  const changes = smallestChange(view.state.doc, text);
  if (changes === undefined) return;
  view.dispatch({ changes, annotations: [fromPage.of(true), isolateHistory.of("full")] });
}

/** Returns what differs between a document and a text; undefined if nothing does. */
export function smallestChange(doc: Text, text: string): ChangeSpec | undefined {
  const old = doc.toString();
  if (old === text) return undefined;
  const most = Math.min(old.length, text.length);
  let start = 0;
  while (start < most && old.charCodeAt(start) === text.charCodeAt(start)) start++;
  let end = 0;
  while (
    end < most - start &&
    old.charCodeAt(old.length - 1 - end) === text.charCodeAt(text.length - 1 - end)
  )
    end++;
  return { from: start, to: old.length - end, insert: text.slice(start, text.length - end) };
}
