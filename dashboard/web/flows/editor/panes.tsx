import { useMemo, useRef, useState } from "preact/hooks";
import { useNames } from "../../blocks/names.ts";
import { Editor, type EditorView, type Mark } from "../../editor/editor.tsx";
import { Notice } from "../../ui/notice.tsx";
import { FlowCanvas } from "../canvas/flow-canvas.tsx";
import type { FlowEdit } from "../document/flow-edit.ts";
import { Faults } from "./faults.tsx";
import { Inspector } from "./inspector.tsx";
import { type Template, templatesFor } from "./palette.tsx";
import type { FlowSession } from "./session.ts";
import { Splitter } from "./splitter.tsx";
import { yamlCompletion } from "./yaml-completion.ts";

type Pane = "text" | "canvas" | "steps";
const PANES: readonly { readonly id: Pane; readonly text: string }[] = [
  { id: "canvas", text: "Canvas" },
  { id: "text", text: "Text" },
  { id: "steps", text: "Steps" },
];

const EMPTY = { nodes: [], edges: [] };

interface PanesProps {
  readonly session: FlowSession;
  readonly onSave: () => void;
  readonly onView: (view: EditorView) => void;
  readonly apply: (edit: FlowEdit) => Promise<void>;
}

/** Text, canvas and steps side by side; on a phone one at a time. */
export function Panes({ session, onSave, onView, apply }: PanesProps) {
  const [pane, setPane] = useState<Pane>("canvas");
  const [place, setPlace] = useState<{ readonly line: number; readonly column?: number }>();
  const box = useRef<HTMLDivElement>(null);
  const names = { functions: useNames("func"), flows: useNames("flow"), topics: useNames("topic") };
  const { faults, outline } = session.checked.value;
  const selected = session.selected.value;
  const latest = useRef(names);
  latest.current = names;
  const extensions = useMemo(() => [yamlCompletion(session, () => latest.current)], [session]);
  const marks = useMemo<readonly Mark[]>(
    () => faults.map(({ line, column, message }) => ({ line, column, text: message })),
    [faults],
  );
  const templates = useMemo(
    () =>
      templatesFor(
        names.functions,
        names.flows.filter((name) => name !== session.name.value),
      ),
    [names.functions.join(), names.flows.join()],
  );
  const byStep = useMemo(
    () => Object.fromEntries((outline?.steps ?? []).map((step) => [step.name, step.faults])),
    [outline],
  );
  const add = ({ name, members }: Template, after: string | undefined) => {
    const steps = outline?.steps ?? [];
    const step = steps.find((each) => each.name === after);
    const follows = step === undefined || step.isFinally ? {} : { needs: [step.name] };
    return apply({
      ...{ kind: "add", name, members: { ...members, ...follows } },
      ...(step !== undefined && { after: step.name, isFinally: step.isFinally }),
    });
  };
  const edits = useMemo(
    () => ({
      connect: (from: string, to: string) => void apply({ kind: "connect", from, to, link: "needs" }),
      disconnect: (links: readonly { from: string; to: string; kind: "needs" | "else" | "catch" }[]) =>
        void apply({
          kind: "all",
          edits: links.map(({ from, to, kind: link }) => ({ kind: "disconnect", from, to, link })),
        }),
      remove: (steps: readonly string[]) =>
        void apply({ kind: "all", edits: steps.map((step) => ({ kind: "remove", step })) }),
      drop: (what: string, onto: string | undefined) => void add(JSON.parse(what) as Template, onto),
    }),
    [session, outline],
  );
  const select = (step: string | undefined) => {
    session.selected.value = step;
  };
  return (
    <>
      <nav class="pane-tabs" aria-label="Views">
        {PANES.map(({ id, text }) => (
          <button key={id} type="button" aria-pressed={pane === id} onClick={() => setPane(id)}>
            {text}
          </button>
        ))}
      </nav>
      <div class="flow-panes" data-pane={pane} ref={box}>
        <div class="pane text">
          <Editor
            value={session.text.value}
            language="yaml"
            label={`Text of the flow ${session.name.value}`}
            onChange={(text) => session.change(text)}
            {...{ marks, onSave, extensions, onView, goTo: place }}
          />
          <p class="text-keys">Esc, then Tab leaves the text</p>
          <Faults session={session} onOpen={(line, column) => setPlace({ line, column })} />
        </div>
        <Splitter label="Width of the text" property="--text-width" box={box} />
        <div class="pane canvas">
          {outline === undefined || outline.graph.nodes.length === 0 ? (
            <Notice title="No step yet">
              Add one from the list, by a click or by dragging it here, or write it below <code>steps:</code>.
            </Notice>
          ) : null}
          <FlowCanvas
            graph={outline?.graph ?? EMPTY}
            places={outline?.places ?? {}}
            label={`The flow ${session.name.value}`}
            flow={session.isNew ? undefined : session.name.value}
            faults={byStep}
            selected={selected}
            onSelect={select}
            edits={edits}
          />
        </div>
        <Splitter label="Width of the steps" property="--steps-width" box={box} isRight />
        <div class="pane steps">
          <Inspector
            {...{ session, templates, names, apply, add }}
            onOpenLine={(line) => {
              setPane("text");
              setPlace({ line });
            }}
          />
        </div>
      </div>
    </>
  );
}
