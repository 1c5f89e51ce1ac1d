import { useRef, useState } from "preact/hooks";
import type { Places } from "./canvas-graph.ts";

export interface MovedPlaces {
  /** Steps that somebody moved, and where to. */
  readonly moved: Places;
  /** @param isDown the steps were put down, so that their places are written down */
  readonly move: (places: Places, isDown: boolean) => void;
  readonly reset: () => void;
}

/**
 * Keeps a step where somebody put it until the layout is reset, in this browser alone.
 * @param flow without one, places are kept while the page is open
 */
export function useMovedPlaces(flow: string | undefined): MovedPlaces {
  const item = flow === undefined ? undefined : `skiff.places.${flow}`;
  const [moved, setMoved] = useState<Places>(() =>
    item === undefined ? {} : readPlaces(localStorage.getItem(item)),
  );
  // A step moves more often than the page is drawn.
  const newest = useRef(moved);
  return {
    moved,
    move(places, isDown) {
      newest.current = { ...newest.current, ...places };
      setMoved(newest.current);
      if (isDown && item !== undefined) localStorage.setItem(item, JSON.stringify(newest.current));
    },
    reset() {
      newest.current = {};
      setMoved({});
      if (item !== undefined) localStorage.removeItem(item);
    },
  };
}

/** Returns no places for a text that this page has not written. */
function readPlaces(text: string | null): Places {
  try {
    const value = JSON.parse(text ?? "{}") as Readonly<Record<string, { x?: unknown; y?: unknown } | null>>;
    return Object.fromEntries(
      Object.entries(value).filter(([, place]) => Number.isFinite(place?.x) && Number.isFinite(place?.y)),
    ) as Places;
  } catch {
    return {};
  }
}
