import type { Decision } from "./machine.ts";

/** A decision in the making. */
export type Draft = {
  -readonly [Key in Exclude<keyof Decision, "row" | "missing">]: Decision[Key][number][];
};

export function newDraft(): Draft {
  return {
    entries: [],
    starts: [],
    aborts: [],
    publishes: [],
    children: [],
    cancels: [],
    waits: [],
    waitsOver: [],
  };
}
