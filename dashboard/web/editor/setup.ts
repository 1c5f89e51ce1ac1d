import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completeAnyWord,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import type { Language } from "./languages.ts";

/** The nonce of the page, which its Content-Security-Policy allows for the styles of the editor. */
const NONCE = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";

/** What every editor has; colours come from styles/areas/editor.css and follow the theme. */
const SHARED: Extension = [
  EditorView.cspNonce.of(NONCE),
  lineNumbers(),
  drawSelection(),
  syntaxHighlighting(classHighlighter),
  EditorState.tabSize.of(2),
];

/**
 * Types over a selection without the browser: Chromium would give the new text an inline style, which the policy of the
 * page refuses with a message.
 */
const TYPED_OVER = EditorView.domEventHandlers({
  beforeinput({ inputType, data }, view) {
    const { state, composing } = view;
    const { from, to, empty } = state.selection.main;
    if (inputType !== "insertText" || data === null || composing || empty || state.readOnly) return false;
    const insertion = () => state.update(state.replaceSelection(data), { userEvent: "input.type" });
    const isHandled = state
      .facet(EditorView.inputHandler)
      .some((handle) => handle(view, from, to, data, insertion));
    if (!isHandled) view.dispatch(insertion());
    return true;
  },
});

const WRITING: Extension = [
  TYPED_OVER,
  history(),
  lintGutter(),
  foldGutter(),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  // Its pictures need fonts that many systems lack.
  autocompletion({ icons: false }),
  EditorState.languageData.of(() => [{ autocomplete: completeAnyWord }]),
  rectangularSelection(),
  crosshairCursor(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  highlightSelectionMatches(),
  search({ top: true }),
  keymap.of([
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    ...lintKeymap,
    // Escape, then Tab leaves the editor: CodeMirror lets the browser have that Tab.
    indentWithTab,
  ]),
];

const READING: Extension = [
  foldGutter(),
  lintGutter(),
  highlightSelectionMatches(),
  search({ top: true }),
  EditorState.readOnly.of(true),
  keymap.of([...defaultKeymap, ...searchKeymap, ...foldKeymap, ...lintKeymap]),
];

interface SetupOptions {
  readonly language: Language;
  /** For screen readers. */
  readonly label: string;
  readonly readOnly: boolean;
}

/** Returns the extensions of an editor, without the grammar of its language. */
export function setup({ language, label, readOnly }: SetupOptions): Extension {
  return [
    SHARED,
    readOnly ? READING : WRITING,
    indentUnit.of(language === "python" ? "    " : "  "),
    // A text that cannot be edited is scrolled by keyboard as well.
    EditorView.contentAttributes.of({ "aria-label": label, "data-language": language, tabindex: "0" }),
  ];
}
