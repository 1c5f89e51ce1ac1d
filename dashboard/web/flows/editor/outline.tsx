import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../ui/icon.tsx";
import { STEP_ICONS } from "../canvas/step-icons.ts";
import type { OutlineStep } from "../language/outline.ts";

interface OutlineProps {
  readonly steps: readonly OutlineStep[];
  readonly selected: string | undefined;
  readonly onSelect: (step: string) => void;
  readonly onRemove: (step: string) => unknown;
}

/** All steps in the order of the text: arrows move, Enter opens, Delete removes. */
export function Outline({ steps, selected, onSelect, onRemove }: OutlineProps) {
  const list = useRef<HTMLOListElement>(null);
  const removed = useRef<number | undefined>(undefined);
  useEffect(() => {
    // The step after the one that is gone has the focus.
    if (removed.current === undefined) return;
    const buttons = list.current!.querySelectorAll("button");
    buttons[Math.min(removed.current, buttons.length - 1)]?.focus();
    removed.current = undefined;
  }, [steps]);
  const press = (event: KeyboardEvent, name: string) => {
    const item = (event.currentTarget as HTMLElement).closest("li")!;
    const next = { ArrowDown: item.nextElementSibling, ArrowUp: item.previousElementSibling }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      next?.querySelector("button")?.focus();
    }
    if (event.key !== "Delete") return;
    removed.current = steps.findIndex((step) => step.name === name);
    onRemove(name);
  };
  return (
    <ol class="flow-outline" ref={list} aria-label="Steps">
      {steps.map(({ name, text, action, isFinally, before, faults }) => (
        <li key={name}>
          <button
            type="button"
            aria-current={name === selected ? "true" : undefined}
            onClick={() => onSelect(name)}
            onKeyDown={(event) => press(event, name)}
          >
            <Icon name={STEP_ICONS[action ?? ""] ?? "info"} />
            <span class="words">
              <strong>{name}</strong>
              <span class="muted">
                {text}
                {isFinally ? " · finally" : ""}
                {before.length === 0 ? "" : ` · after ${before.map(({ from }) => from).join(", ")}`}
              </span>
            </span>
            {faults.length === 0 ? null : (
              <span class="fault" title={faults.join("\n")}>
                <Icon name="warning" />
                <span class="hidden">{faults.length === 1 ? "1 fault" : `${faults.length} faults`}</span>
              </span>
            )}
          </button>
        </li>
      ))}
    </ol>
  );
}
