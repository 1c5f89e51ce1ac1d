import { redo, undo } from "@codemirror/commands";
import { setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { fromPage, replaceText } from "./change.ts";
import { type Language, loadLanguage } from "./languages.ts";
import { diagnosticsOf, type Mark } from "./marks.ts";
import { setup } from "./setup.ts";

/** A place to jump to. A new object jumps again. Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column?: number;
}

export interface EditorProps {
  /**
   * The text. What the editor reports by `onChange` belongs here in the next render. Another text is applied as the
   * smallest change: cursor, folds and undo history stay, and undo takes it back as one step.
   */
  readonly value: string;
  readonly language: Language;
  /** For screen readers, such as `Source of hello`. */
  readonly label: string;
  /**
   * Which document it is, such as the path of a file. Every document keeps its own cursor, folds and undo history as
   * long as the editor is shown.
   */
  readonly file?: string;
  /** Called after each change that somebody made, also by undo and redo; not for a changed `value`. */
  readonly onChange?: (value: string) => void;
  /** Faults and hints. They move with the text until the next array. */
  readonly marks?: readonly Mark[];
  readonly readOnly?: boolean;
  /** Ctrl+S or Cmd+S. */
  readonly onSave?: () => void;
  readonly goTo?: Place | undefined;
  /**
   * More of CodeMirror, such as a source of completion (`language.data.of({ autocomplete })` or
   * `EditorState.languageData`) or `EditorView.updateListener`. Keep the array: another one configures the editor anew.
   */
  readonly extensions?: readonly Extension[];
  /** Called with the editor when it is shown: for commands, see `undo` and `redo` of this module. */
  readonly onView?: (view: EditorView) => void;
  /** `fill` (default) takes the height of its box; `fit` grows with the text up to 360 px. */
  readonly size?: "fill" | "fit";
}

export type { EditorView, Extension, Language, Mark };
export { redo, undo };

const NO_MARKS: readonly Mark[] = [];
const NO_EXTENSIONS: readonly Extension[] = [];
const MOST_ECHOES = 64;

/**
 * The code editor (CodeMirror 6). Import it only from modules that are loaded lazily: it is a chunk of its own.
 * Tab indents; Escape and then Tab leaves the editor.
 */
export function Editor(props: EditorProps) {
  const { value, language, label, file = "", marks = NO_MARKS, readOnly = false, goTo } = props;
  const { extensions = NO_EXTENSIONS, size = "fill" } = props;
  const box = useRef<HTMLDivElement>(null);
  const editor = useRef<MountedEditor>(null);
  const latest = useRef(props);
  latest.current = props;
  useLayoutEffect(() => {
    const mounted = new MountedEditor(box.current!, latest);
    editor.current = mounted;
    latest.current.onView?.(mounted.view);
    return () => mounted.view.destroy();
  }, []);
  useLayoutEffect(() => editor.current!.show(file, value), [file, value]);
  useEffect(() => editor.current!.configure(), [file, language, label, readOnly, extensions]);
  useEffect(() => editor.current!.mark(marks), [file, marks]);
  useEffect(() => editor.current!.goTo(goTo), [file, goTo]);
  return <div class={`editor ${size}`} ref={box} />;
}

/** The part that lives as long as its element. */
class MountedEditor {
  readonly view: EditorView;
  readonly #latest: { readonly current: EditorProps };
  readonly #grammar = new Compartment();
  readonly #given = new Compartment();
  /** Documents that are not shown now. */
  readonly #hidden = new Map<string, EditorState>();
  #file: string;
  #reached: Place | undefined;
  /** Reported and not yet given back as `value`: a late one must not undo what was typed since. */
  #echoes: string[] = [];

  constructor(parent: HTMLElement, latest: { readonly current: EditorProps }) {
    this.#latest = latest;
    const { value, file = "" } = latest.current;
    this.#file = file;
    this.view = new EditorView({ parent, state: this.#newState(value) });
  }

  show(file: string, value: string): void {
    if (file !== this.#file) {
      this.#hidden.set(this.#file, this.view.state);
      this.#file = file;
      this.#echoes = [];
      this.view.setState(this.#hidden.get(file) ?? this.#newState(value));
      this.#hidden.delete(file);
    }
    if (this.#echoes.at(-1) === value) this.#echoes = [];
    if (!this.#echoes.includes(value)) replaceText(this.view, value);
  }

  configure(): void {
    const { language, label, readOnly = false, extensions = NO_EXTENSIONS } = this.#latest.current;
    const given = [...extensions, setup({ language, label, readOnly })];
    this.view.dispatch({ effects: this.#given.reconfigure(given) });
    const use = (grammar: Extension) => {
      const isCurrent = this.#latest.current.language === language;
      if (isCurrent && this.#grammar.get(this.view.state) !== grammar)
        this.view.dispatch({ effects: this.#grammar.reconfigure(grammar) });
    };
    // Without its colours a text can be edited as well.
    loadLanguage(language).then(use, () => undefined);
  }

  mark(marks: readonly Mark[]): void {
    const { state } = this.view;
    this.view.dispatch(setDiagnostics(state, diagnosticsOf(marks, state.doc)));
  }

  goTo(place: Place | undefined): void {
    // Another file is no reason to jump again.
    if (place === undefined || place === this.#reached) return;
    this.#reached = place;
    const { line, column = 1 } = place;
    const { doc } = this.view.state;
    const found = doc.line(Math.min(Math.max(1, line), doc.lines));
    const anchor = Math.min(found.from + column - 1, found.to);
    this.view.dispatch({
      selection: { anchor },
      effects: EditorView.scrollIntoView(anchor, { y: "center" }),
    });
    this.view.focus();
  }

  #newState(doc: string): EditorState {
    const { language, label, readOnly = false, extensions = NO_EXTENSIONS } = this.#latest.current;
    const save = () => {
      this.#latest.current.onSave?.();
      // Browsers would save the page.
      return true;
    };
    return EditorState.create({
      doc,
      extensions: [
        keymap.of([{ key: "Mod-s", run: save, preventDefault: true }]),
        this.#given.of([...extensions, setup({ language, label, readOnly })]),
        this.#grammar.of([]),
        EditorView.updateListener.of(({ docChanged, state, transactions }) => {
          if (!docChanged || transactions.some((each) => each.annotation(fromPage) === true)) return;
          const text = state.doc.toString();
          this.#echoes = [...this.#echoes.slice(-MOST_ECHOES), text];
          this.#latest.current.onChange?.(text);
        }),
      ],
    });
  }
}
