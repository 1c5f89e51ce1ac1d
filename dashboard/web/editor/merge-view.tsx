import { MergeView as CodeMirrorMerge, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Language, loadLanguage } from "./languages.ts";
import { setup } from "./setup.ts";

export interface MergeViewProps {
  /** At the left, read-only: theirs. */
  readonly original: string;
  /** At the right: mine. A change while it is shown is not applied, use a `key`. */
  readonly value: string;
  readonly language: Language;
  /** For screen readers: of the left and the right side. */
  readonly labels: readonly [original: string, value: string];
  /** Called with each change of the right side. */
  readonly onChange: (value: string) => void;
}

/** Two sides need this many pixels; narrower pages show one text with both. */
const TWO_SIDES_PX = 720;
const COLLAPSED = { margin: 3, minSize: 6 };

/** Shows what differs between two texts, side by side, one below the other on a phone. */
export function MergeView({ original, value, language, labels, onChange }: MergeViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const report = useRef(onChange);
  report.current = onChange;
  const current = useRef(value);
  const [grammar, setGrammar] = useState<Extension>();
  // Without its colours a text can be compared as well.
  useEffect(() => void loadLanguage(language).then(setGrammar, () => setGrammar([])), [language]);
  useEffect(() => {
    if (grammar === undefined) return undefined;
    const parent = box.current!;
    const side = (label: string, isFixed: boolean) => [
      setup({ language, label, readOnly: isFixed }),
      grammar,
      EditorView.lineWrapping,
    ];
    const mine = [
      ...side(labels[1], false),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (!docChanged) return;
        current.current = state.doc.toString();
        report.current(current.current);
      }),
    ];
    const doc = current.current;
    if (parent.clientWidth < TWO_SIDES_PX) {
      const unified = unifiedMergeView({
        ...{ original, mergeControls: true, collapseUnchanged: COLLAPSED },
      });
      const view = new EditorView({
        parent,
        state: EditorState.create({ doc, extensions: [mine, unified] }),
      });
      return () => view.destroy();
    }
    const view = new CodeMirrorMerge({
      ...{ parent, collapseUnchanged: COLLAPSED, gutter: true },
      revertControls: "a-to-b",
      a: { doc: original, extensions: side(labels[0], true) },
      b: { doc, extensions: mine },
    });
    return () => view.destroy();
  }, [grammar, original]);
  return <div class="editor fill merge" ref={box} />;
}
