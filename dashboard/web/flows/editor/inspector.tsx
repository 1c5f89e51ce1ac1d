import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import type { FlowEdit } from "../document/flow-edit.ts";
import { FlowForm } from "../forms/flow-form.tsx";
import type { Schema } from "../forms/schema-shape.ts";
import { StepForm } from "../forms/step-form.tsx";
import { Outline } from "./outline.tsx";
import { StepPalette, type Template } from "./palette.tsx";
import type { FlowSession } from "./session.ts";
import { StepTest } from "./step-test.tsx";

interface InspectorProps {
  readonly session: FlowSession;
  readonly templates: readonly Template[];
  readonly names: {
    readonly functions: readonly string[];
    readonly flows: readonly string[];
    readonly topics: readonly string[];
  };
  readonly apply: (edit: FlowEdit) => Promise<void>;
  readonly add: (template: Template, after: string | undefined) => Promise<void>;
  readonly onOpenLine: (line: number) => void;
}

/** The steps, or the form of the one that is selected, or the triggers. Everything works by keyboard. */
export function Inspector({ session, templates, names, apply, add, onOpenLine }: InspectorProps) {
  const [schema, setSchema] = useState<Schema>();
  const [tab, setTab] = useState<"steps" | "flow">("steps");
  const [dialog, setDialog] = useState<"add" | "test">();
  const box = useRef<HTMLDivElement>(null);
  const last = useRef<string | undefined>(undefined);
  // What is opened from the canvas leaves the focus there.
  const takesFocus = useRef(false);
  useEffect(() => void session.language.ask("schema", null).then(setSchema), [session]);
  const { outline } = session.checked.value;
  const steps = outline?.steps ?? [];
  const selected = steps.find(({ name }) => name === session.selected.value);
  useEffect(() => {
    if (selected !== undefined) last.current = selected.name;
  }, [selected?.name]);
  const back = () => {
    session.selected.value = undefined;
    // The list has the focus again where it was.
    requestAnimationFrame(() => {
      const buttons = [...(box.current?.querySelectorAll<HTMLButtonElement>(".flow-outline button") ?? [])];
      const at = steps.findIndex(({ name }) => name === last.current);
      (buttons[at] ?? buttons[0])?.focus();
    });
  };
  if (selected !== undefined && schema !== undefined) {
    return (
      <div
        class="inspector"
        ref={box}
        role="none"
        onKeyDown={(event) => {
          if (event.key === "Escape" && dialog === undefined) back();
        }}
      >
        <div class="row">
          <Button small icon="left" onClick={back}>
            Steps
          </Button>
          <Button small icon="plus" onClick={() => setDialog("add")}>
            Next step
          </Button>
          <Button small icon="play" onClick={() => setDialog("test")}>
            Test
          </Button>
          <Button
            kind="quiet"
            small
            icon="edit"
            label="Show in the text"
            onClick={() => onOpenLine(selected.line)}
          />
        </div>
        <StepForm
          key={selected.isFinally ? "finally" : "steps"}
          {...{ session, steps, schema, names, apply, takesFocus }}
          onLeave={back}
          step={selected}
        />
        {dialog === "add" ? (
          <Dialog title={`After ${selected.name}`} onClose={() => setDialog(undefined)}>
            <StepPalette
              autoFocus
              templates={templates}
              onAdd={async (template) => {
                takesFocus.current = true;
                await add(template, selected.name);
                setDialog(undefined);
              }}
            />
          </Dialog>
        ) : null}
        {dialog === "test" ? (
          <StepTest session={session} step={selected} onClose={() => setDialog(undefined)} />
        ) : null}
      </div>
    );
  }
  return (
    <div class="inspector" ref={box}>
      <nav class="inspector-tabs" aria-label="Parts of the flow">
        <button type="button" aria-pressed={tab === "steps"} onClick={() => setTab("steps")}>
          Steps
        </button>
        <button type="button" aria-pressed={tab === "flow"} onClick={() => setTab("flow")}>
          Triggers
        </button>
      </nav>
      {tab === "flow" && outline !== undefined && schema !== undefined ? (
        <FlowForm {...{ session, outline, schema, apply }} topics={names.topics} />
      ) : (
        <>
          <Outline
            steps={steps}
            selected={session.selected.value}
            onSelect={(step) => {
              takesFocus.current = true;
              session.selected.value = step;
            }}
            onRemove={(step) => apply({ kind: "remove", step })}
          />
          <h2>Add a step</h2>
          <StepPalette
            templates={templates}
            onAdd={(template) => {
              takesFocus.current = true;
              return add(template, steps.findLast(({ isFinally }) => !isFinally)?.name);
            }}
          />
        </>
      )}
    </div>
  );
}
