import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { useUnsaved } from "../leaving/unsaved.ts";
import { Button } from "./button.tsx";
import { TextField } from "./field.tsx";
import { ProblemNotice } from "./notice.tsx";

export interface DialogProps {
  readonly title: string;
  /** Absent where there is no way around it. */
  readonly onClose?: () => void;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}

/** A modal window. Escape closes it; the browser keeps the focus inside, and what had it before gets it back. */
export function Dialog({ title, onClose, children, wide = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    element.current!.showModal();
    // Its owner removes it without closing it, so the browser restores no focus. The page takes none before it is removed.
    return () => queueMicrotask(() => giveFocus(before));
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClose={() => {
        onClose?.();
        // The browser closes it at a second Escape, whatever its owner says.
        setTimeout(() => element.current?.open === false && element.current.showModal());
      }}
    >
      <header>
        <h2>{title}</h2>
        {onClose === undefined ? null : <Button kind="quiet" icon="close" label="Close" onClick={onClose} />}
      </header>
      {children}
    </dialog>
  );
}

/** Focuses the element that opened a dialog. If that has left the page and nothing else has the focus, the content gets it. */
function giveFocus(to: Element | null): void {
  const isThere = to instanceof HTMLElement && to.isConnected && to !== document.body;
  if (isThere) to.focus({ preventScroll: true });
  else if (document.activeElement === document.body)
    document.getElementById("content")?.focus({ preventScroll: true });
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
  /** On the button that closes it; `Cancel` by default. */
  readonly cancel?: string;
  /** What is typed here takes time: closing asks before it is lost. */
  readonly isGuarded?: boolean;
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
  cancel = "Cancel",
  isGuarded = false,
}: FormDialogProps) {
  const [problem, setProblem] = useState<ApiProblem>();
  const [isBusy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const [isTouched, setTouched] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const isAtRisk = isGuarded && isTouched && !isBusy;
  useUnsaved(title, isAtRisk);
  const close = () => (isAtRisk ? setAsking(true) : onClose());
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isAsking) return;
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
    <Dialog title={title} onClose={close}>
      <form onSubmit={(event) => void submit(event)} onInput={() => setTouched(true)}>
        {children}
        {typed === undefined ? null : (
          <TextField label={`Type ${typed} to go on`} value={text} onChange={setText} mono />
        )}
        <ProblemNotice problem={problem} />
        {isAsking ? (
          <Discard onKeep={() => setAsking(false)} onDiscard={onClose} />
        ) : (
          <footer>
            <Button onClick={close}>{cancel}</Button>
            <Button
              type="submit"
              kind={kind}
              disabled={disabled || isBusy || (typed !== undefined && text !== typed)}
            >
              {isBusy ? "Working…" : action}
            </Button>
          </footer>
        )}
      </form>
    </Dialog>
  );
}

interface DiscardProps {
  readonly onKeep: () => void;
  readonly onDiscard: () => void;
}

/** Instead of the buttons of a form that somebody closes with what was typed. */
function Discard({ onKeep, onDiscard }: DiscardProps) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => element.current!.querySelector("button")!.focus(), []);
  return (
    <footer ref={element}>
      <strong role="alert">Discard what you typed?</strong>
      <Button onClick={onKeep}>Keep it</Button>
      <Button kind="danger" onClick={onDiscard}>
        Discard
      </Button>
    </footer>
  );
}
