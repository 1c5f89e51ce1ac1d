import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { Button } from "../ui/button.tsx";
import type { ShownLine } from "./line-buffer.ts";
import { LineRow } from "./line-row.tsx";

export interface LineListProps {
  readonly name: string;
  readonly lines: readonly ShownLine[];
  readonly held: number;
  readonly search: string | undefined;
  readonly onHold: (isHolding: boolean) => void;
}

/** Distance from the end, in pixels, that still counts as the end. */
const NEAR = 24;
const COUNT = new Intl.NumberFormat("en");

/** The lines; only those in view are in the document. It stays at the end until somebody scrolls up. */
export function LineList({ name, lines, held, search, onHold }: LineListProps) {
  const list = useRef<VirtualizerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const lastOffset = useRef(0);
  const toEnd = () => list.current?.scrollToIndex(lines.length - 1, { align: "end" });
  useLayoutEffect(() => {
    if (isAtEnd && lines.length > 0) toEnd();
  }, [lines, isAtEnd]);
  useEffect(() => () => onHold(false), []);
  const scrolled = (offset: number) => {
    const { scrollSize = 0, viewportSize = 0 } = list.current ?? {};
    const isNear = offset + viewportSize >= scrollSize - NEAR;
    const isUpwards = offset < lastOffset.current;
    lastOffset.current = offset;
    // Lines that come make the list longer: only who scrolls up leaves its end.
    if (isNear ? !isAtEnd : isAtEnd && isUpwards) {
      setAtEnd(isNear);
      onHold(!isNear);
    }
  };
  const follow = () => {
    setAtEnd(true);
    onHold(false);
  };
  return (
    <div class="log-box">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <div class="log-lines" tabIndex={0} role="log" aria-live="off" aria-label={`Log lines of ${name}`}>
        <Virtualizer ref={list} data={lines} onScroll={scrolled}>
          {(line) => <LineRow key={line.key} line={line} name={name} search={search} />}
        </Virtualizer>
      </div>
      {isAtEnd ? null : (
        <div class="log-more">
          <Button kind="primary" small icon="down" onClick={follow}>
            {held === 0 ? "To the end" : `${COUNT.format(held)} new ${held === 1 ? "line" : "lines"}`}
          </Button>
        </div>
      )}
    </div>
  );
}
