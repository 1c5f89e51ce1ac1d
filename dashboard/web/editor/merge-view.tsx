import { MergeView as CodeMirrorMerge, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Language, loadLanguage } from "./languages.ts";
import { setup } from "./setup.ts";

export interface MergeViewProps {
  /** At the left, read-only: theirs, or the older version. */
  readonly original: string;
  /** At the right: mine, or the newer version. A change while it is shown is not applied, use a `key`. */
  readonly value: string;
  readonly language: Language;
  /** For screen readers: of the left and the right side. */
  readonly labels: readonly [original: string, value: string];
  /** Called with each change of the right side. Read-only without it. */
  readonly onChange?: (value: string) => void;
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
  useEffect(() => void loadLanguage(language).then((loaded) => setGrammar(loaded)), [language]);
  useEffect(() => {
    if (grammar === undefined) return undefined;
    const parent = box.current!;
    const readOnly = report.current === undefined;
    const side = (label: string, isFixed: boolean) => [
      setup({ language, label, readOnly: isFixed }),
      grammar,
      EditorView.lineWrapping,
    ];
    const mine = [
      ...side(labels[1], readOnly),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (!docChanged) return;
        current.current = state.doc.toString();
        report.current?.(current.current);
      }),
    ];
    const doc = current.current;
    if (parent.clientWidth < TWO_SIDES_PX) {
      const unified = unifiedMergeView({
        ...{ original, mergeControls: !readOnly, collapseUnchanged: COLLAPSED },
      });
      const view = new EditorView({
        parent,
        state: EditorState.create({ doc, extensions: [mine, unified] }),
      });
      return () => view.destroy();
    }
    const view = new CodeMirrorMerge({
      ...{ parent, collapseUnchanged: COLLAPSED, gutter: true },
      ...(readOnly ? {} : { revertControls: "a-to-b" as const }),
      a: { doc: original, extensions: side(labels[0], true) },
      b: { doc, extensions: mine },
    });
    return () => view.destroy();
  }, [grammar, original]);
  return <div class="editor fill merge" ref={box} />;
}
