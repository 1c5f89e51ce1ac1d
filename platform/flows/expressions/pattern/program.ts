import { ExpressionFault } from "../fault.ts";
import type { CharSet, Syntax } from "./syntax.ts";

/** One state of an automaton without memory: it reads a character, branches, or asks for a place. */
export type Instruction =
  | { readonly op: "read"; readonly set: CharSet }
  | { readonly op: "split"; to: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "assert"; readonly what: "start" | "end" | "boundary" | "noBoundary" }
  | { readonly op: "match" };

const MAX_INSTRUCTIONS = 10_000;

/** A `split` goes on with the next instruction and with `to`. Throws `ExpressionFault` if repetitions of repetitions make it too long. */
export function programOf(syntax: Syntax): readonly Instruction[] {
  const program: Instruction[] = [];
  emit(syntax, program);
  program.push({ op: "match" });
  return program;
}

function emit(syntax: Syntax, program: Instruction[]): void {
  if (program.length > MAX_INSTRUCTIONS) {
    throw new ExpressionFault("The pattern is too long once its repetitions are written out.");
  }
  if (syntax.kind === "set") program.push({ op: "read", set: syntax.set });
  else if (syntax.kind === "sequence") for (const part of syntax.parts) emit(part, program);
  else if (syntax.kind === "either") emitEither(syntax.parts, program);
  else if (syntax.kind === "repeat") emitRepeat(syntax, program);
  else program.push({ op: "assert", what: syntax.kind });
}

function emitEither(parts: readonly Syntax[], program: Instruction[]): void {
  const jumps: { to: number }[] = [];
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const split = { op: "split" as const, to: 0 };
    if (!isLast) program.push(split);
    emit(part, program);
    const jump = { op: "jump" as const, to: 0 };
    if (!isLast) jumps.push(jump);
    if (!isLast) program.push(jump);
    split.to = program.length;
  }
  for (const jump of jumps) jump.to = program.length;
}

function emitRepeat({ part, least, most }: Syntax & { kind: "repeat" }, program: Instruction[]): void {
  for (let count = 0; count < least; count++) emit(part, program);
  if (most === undefined) {
    const start = program.length;
    const split = { op: "split" as const, to: 0 };
    program.push(split);
    emit(part, program);
    program.push({ op: "jump", to: start });
    split.to = program.length;
    return;
  }
  const splits: { to: number }[] = [];
  for (let count = least; count < most; count++) {
    const split = { op: "split" as const, to: 0 };
    splits.push(split);
    program.push(split);
    emit(part, program);
  }
  for (const split of splits) split.to = program.length;
}
