import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { showProblem } from "./toast.tsx";

export interface MenuItem {
  readonly text: string;
  readonly onSelect: () => unknown;
  readonly isDanger?: boolean;
  readonly disabled?: boolean;
}

/** A button that opens a list of actions: arrows move, Escape closes (WAI-ARIA menu button). */
export function Menu({ label, items, children }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    box.current?.querySelector("button")?.focus();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    entries(box.current!)[0]?.focus();
    const outside = (event: Event) => {
      if (!box.current!.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    addEventListener("focusin", outside);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("focusin", outside);
    };
  }, [isOpen]);
  const move = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    if (!isOpen) return setOpen(true);
    const all = entries(box.current!);
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    all[(at + step + all.length) % all.length]?.focus();
  };
  return (
    <div class="menu" ref={box} onKeyDown={move} role="none">
      <button
        type="button"
        class={children === undefined ? "button plain square" : "button plain"}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={id}
        aria-label={children === undefined ? label : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {children}
        <Icon name="down" />
      </button>
      {isOpen ? (
        <div class="menu-items" role="menu" id={id} aria-label={label}>
          {items.map(({ text, onSelect, isDanger, disabled }) => (
            <button
              key={text}
              type="button"
              role="menuitem"
              class={isDanger ? "danger" : undefined}
              disabled={disabled}
              onClick={() => {
                close();
                void (async () => onSelect())().catch(showProblem);
              }}
            >
              {text}
            </button>
          ))}
        </div>
      ) : null}
    </div>
  );
}

interface MenuProps {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly children?: ComponentChildren;
}

function entries(box: HTMLElement): HTMLButtonElement[] {
  return [...box.querySelectorAll<HTMLButtonElement>('[role="menuitem"]:not(:disabled)')];
}
