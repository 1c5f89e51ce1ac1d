import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { TextField } from "./field.tsx";
import { ProblemNotice } from "./notice.tsx";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}

/** A modal window. Escape closes it; the browser keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children, wide = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current!.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-label={title}
      onCancel={onClose}
      onClose={onClose}
    >
      <header>
        <h2>{title}</h2>
        <Button kind="quiet" icon="close" label="Close" onClick={onClose} />
      </header>
      {children}
    </dialog>
  );
}

export interface FormDialogProps {
  readonly title: string;
  /** On the button, such as `Delete`. */
  readonly action: string;
  readonly kind?: "primary" | "danger";
  /** A field says why. */
  readonly disabled?: boolean;
  /** What it throws is shown in the dialog, which stays. */
  readonly onSubmit: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
  /** A word that must be typed first, for what cannot be undone. */
  readonly typed?: string;
}

/** A form in a dialog, which closes when the API has done what it asks. */
export function FormDialog({
  title,
  action,
  kind = "primary",
  disabled = false,
  onSubmit,
  onClose,
  children,
  typed,
}: FormDialogProps) {
  const [problem, setProblem] = useState<ApiProblem>();
  const [isBusy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await onSubmit();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        {typed === undefined ? null : (
          <TextField label={`Type ${typed} to go on`} value={text} onChange={setText} mono />
        )}
        <ProblemNotice problem={problem} />
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            kind={kind}
            disabled={disabled || isBusy || (typed !== undefined && text !== typed)}
          >
            {isBusy ? "Working…" : action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
