import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import type { Extension } from "../../editor/editor.tsx";
import type { FlowSession } from "./session.ts";

type KnownNames = Readonly<Record<"functions" | "flows" | "topics", readonly string[]>>;

/** Completes keys, words and names of a flow, each with what it means. */
export function yamlCompletion(session: FlowSession, names: () => KnownNames): Extension {
  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const before = context.matchBefore(/[\w.@-]+$/);
    const isAfterSpace = /[\s[{,:-]$/.test(context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos));
    if (before === null && !context.explicit && !isAfterSpace) return null;
    const steps = session.checked.value.outline?.steps.map(({ name }) => name) ?? [];
    const found = await session.language.ask("complete", {
      ...{ text: context.state.doc.toString(), offset: context.pos, names: { ...names(), steps } },
    });
    // A new line alone asks for nothing.
    if (found === null || (before === null && !context.explicit && isBlank(context))) return null;
    return {
      from: found.from,
      options: found.options.map(({ kind: type, ...option }) => ({ ...option, type })),
      validFor: /^[\w@-]*$/,
    };
  };
  return EditorState.languageData.of(() => [{ autocomplete: complete }]);
}

function isBlank({ state, pos }: CompletionContext): boolean {
  const { from } = state.doc.lineAt(pos);
  return state.sliceDoc(from, pos).trim() === "";
}
