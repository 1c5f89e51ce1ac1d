import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter";
import { Icon } from "../ui/icon.tsx";
import { droppedFile } from "./dropped-file.ts";

/** Takes a file that is dropped anywhere on the page to the page of a new function. */
export function DropArea({ children }: { readonly children: ComponentChildren }) {
  const [, go] = useLocation();
  const [isOver, setOver] = useState(false);
  // Each element below the pointer sends events of its own.
  const depth = useRef(0);
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const move = (step: number) => (event: DragEvent) => {
      if (!hasFile(event)) return;
      depth.current = Math.max(0, depth.current + step);
      setOver(depth.current > 0);
    };
    const [enter, leave] = [move(1), move(-1)];
    const over = (event: DragEvent) => {
      if (hasFile(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      if (file === undefined) return;
      event.preventDefault();
      droppedFile.value = file;
      go("/new");
    };
    const listeners = { dragenter: enter, dragleave: leave, dragover: over, drop } as const;
    const names = Object.keys(listeners) as (keyof typeof listeners)[];
    for (const name of names) addEventListener(name, listeners[name]);
    return () => {
      for (const name of names) removeEventListener(name, listeners[name]);
    };
  }, []);
  return (
    <>
      {children}
      {isOver ? (
        <div class="drop-here">
          <div>
            <Icon name="upload" size={28} />
            Drop the file to make a function of it
          </div>
        </div>
      ) : null}
    </>
  );
}
