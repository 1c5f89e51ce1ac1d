import { Icon, type IconName } from "../../ui/icon.tsx";
import type { OutlineStep } from "../language/outline.ts";

const ICONS: Readonly<Record<string, IconName>> = {
  fn: "functions",
  http: "external",
  publish: "topics",
  exec: "commands",
  flow: "flows",
  wait: "clock",
  approve: "check",
};

interface OutlineProps {
  readonly steps: readonly OutlineStep[];
  readonly selected: string | undefined;
  readonly onSelect: (step: string) => void;
  readonly onRemove: (step: string) => unknown;
}

/** All steps in the order of the text: arrows move, Enter opens, Delete removes. */
export function Outline({ steps, selected, onSelect, onRemove }: OutlineProps) {
  const press = (event: KeyboardEvent, name: string) => {
    const item = (event.currentTarget as HTMLElement).closest("li")!;
    const next = { ArrowDown: item.nextElementSibling, ArrowUp: item.previousElementSibling }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      next?.querySelector("button")?.focus();
    }
    if (event.key === "Delete") onRemove(name);
  };
  return (
    <ol class="flow-outline" aria-label="Steps">
      {steps.map(({ name, text, action, isFinally, before, faults }) => (
        <li key={name}>
          <button
            type="button"
            aria-current={name === selected ? "true" : undefined}
            onClick={() => onSelect(name)}
            onKeyDown={(event) => press(event, name)}
          >
            <Icon name={ICONS[action ?? ""] ?? "info"} />
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
