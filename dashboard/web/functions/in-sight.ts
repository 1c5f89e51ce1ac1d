import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface InSight {
  /** Of the element that has the rows. */
  readonly body: RefObject<HTMLTableSectionElement | null>;
  readonly from: number;
  readonly to: number;
  /** Heights of what is left out above and below, in pixels. */
  readonly above: number;
  readonly below: number;
}

/** Up to here all rows are in the page, which the browser's own search finds. */
const SHORT = 80;
/** Rows beyond the edge, so that scrolling shows no gap. */
const BEYOND = 12;
const GUESSED_PX = 57;

/** Returns which rows of a long list are in sight while the page scrolls. All rows have one height. */
export function useInSight(count: number): InSight {
  const body = useRef<HTMLTableSectionElement>(null);
  const [[from, to, height], setRange] = useState<readonly [number, number, number]>([0, SHORT, GUESSED_PX]);
  const isLong = count > SHORT;
  useEffect(() => {
    if (!isLong) return undefined;
    const measure = () => {
      const row = body.current!.querySelector<HTMLElement>("tr.function-row");
      const rowPx = row?.offsetHeight || GUESSED_PX;
      const top = -body.current!.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / rowPx) - BEYOND);
      // Rows move in steps, so that not every pixel draws the list again.
      const start = Math.min(first - (first % BEYOND), Math.max(0, count - 1));
      setRange([start, start + Math.ceil(innerHeight / rowPx) + 3 * BEYOND, rowPx]);
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [isLong, count]);
  if (!isLong) return { body, from: 0, to: count, above: 0, below: 0 };
  return { body, from, to, above: from * height, below: Math.max(0, count - to) * height };
}
