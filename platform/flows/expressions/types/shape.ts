import type { Taken } from "../functions/signature.ts";

/** What is known of a value before there is one. */
export interface Shape {
  readonly kind: Taken;
  /** Of a map. */
  readonly members?: Readonly<Record<string, Shape>>;
  /** A map that has no other members than `members`. */
  readonly isClosed?: boolean;
  /** Of a list. */
  readonly items?: Shape;
}

export const ANY: Shape = { kind: "any" };
export const BOOL: Shape = { kind: "bool" };
export const NUMBER: Shape = { kind: "number" };
export const TEXT: Shape = { kind: "text" };

export function closed(members: Readonly<Record<string, Shape>>): Shape {
  return { kind: "map", members, isClosed: true };
}

/** What two values have in common. */
export function common(a: Shape, b: Shape): Shape {
  if (a === b) return a;
  return a.kind === b.kind ? { kind: a.kind } : ANY;
}

const ERROR: Shape = closed({ type: TEXT, status: NUMBER, message: TEXT, item: NUMBER });

/** `steps.NAME`. */
export const STEP: Shape = closed({ state: TEXT, output: ANY, error: ERROR });

const RUN = { id: TEXT, flow: TEXT, version: NUMBER, startedAt: { kind: "timestamp" } } as const;

/** Variables that are the same in every flow. */
export const VARIABLES: Readonly<Record<string, Shape>> = {
  run: closed(RUN),
  trigger: { kind: "map", members: { kind: TEXT } },
  event: { kind: "map", members: { id: TEXT, source: TEXT, type: TEXT, data: ANY } },
  error: ERROR,
  index: NUMBER,
  iteration: NUMBER,
};

/** `run` in `finally`. */
export const RUN_IN_FINALLY: Shape = closed({
  ...RUN,
  state: TEXT,
  error: closed({ step: TEXT, type: TEXT, status: NUMBER, message: TEXT, item: NUMBER }),
});
