import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

interface SplitterProps {
  readonly label: string;
  /** The custom property of the box that has the width, in pixels. */
  readonly property: string;
  readonly box: RefObject<HTMLElement | null>;
  /** The width is that of the side at the right. */
  readonly isRight?: boolean;
}

const [LEAST, MOST, STEP] = [220, 900, 24];
/** Shares of the window: the canvas has half of it. */
const USUAL: Readonly<Record<string, number>> = { "--text-width": 0.22, "--steps-width": 0.2 };

/** A border that can be moved, by pointer and by arrows (WAI-ARIA window splitter). The browser keeps the width. */
export function Splitter({ label, property, box, isRight = false }: SplitterProps) {
  const place = `skiff.flow${property}`;
  const usual = Math.round(Math.max(LEAST, Math.min(400, innerWidth * USUAL[property]!)));
  const [width, setWidth] = useState(() => Number(localStorage.getItem(place)) || usual);
  // The box is there once everything in it is.
  useLayoutEffect(() => box.current!.style.setProperty(property, `${width}px`), [width]);
  const set = (next: number) => {
    const most = Math.min(MOST, (box.current?.clientWidth ?? MOST) * 0.6);
    const kept = Math.round(Math.max(LEAST, Math.min(most, next)));
    setWidth(kept);
    localStorage.setItem(place, String(kept));
  };
  const drag = (event: PointerEvent) => {
    const target = event.currentTarget as HTMLElement;
    const [begin, startWidth] = [event.clientX, width];
    target.setPointerCapture(event.pointerId);
    const move = ({ clientX }: PointerEvent) =>
      set(startWidth + (isRight ? begin - clientX : clientX - begin));
    const end = () => target.removeEventListener("pointermove", move);
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end, { once: true });
    target.addEventListener("pointercancel", end, { once: true });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr takes no keys
    <div
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        set(width + (isRight ? -step : step));
      }}
    />
  );
}
