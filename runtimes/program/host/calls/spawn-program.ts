import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { spawnFirstToKill } from "../trees/first-to-kill.ts";
import type { CallPipe } from "./pipe-store.ts";

/** A program that was started for one call. */
export interface CallProgram {
  readonly child: ChildProcess;
  /** Undefined if the program has no input, or all of it. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** What a program reads: nothing, a descriptor that is closed here, a pipe, or a socket. */
export type ProgramInput = "ignore" | number | CallPipe | "pipe";

export interface ProgramStart {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input: ProgramInput;
  /** Standard output and standard error. Undefined: sockets. */
  readonly outputs: readonly CallPipe[] | undefined;
}

/** Starts a program in a session of its own, so that it can be found with all that it starts. @throws Error */
export function spawnProgram({ command, cwd, env, input, outputs }: ProgramStart): CallProgram {
  const [program, ...args] = command;
  const inputPipe = typeof input === "object" ? input : undefined;
  const pipes = [...(inputPipe ? [inputPipe] : []), ...(outputs ?? [])];
  const ends = outputs?.map(({ other }) => other) ?? ["pipe" as const, "pipe" as const];
  const stdio = [typeof input === "object" ? input.other : input, ...ends];
  try {
    const child = spawnFirstToKill(() => spawn(program!, args, { cwd, env, detached: true, stdio }));
    const [stdout, stderr] = outputs?.map(({ own }) => own) ?? [child.stdout!, child.stderr!];
    return { child, stdin: inputPipe?.own ?? child.stdin ?? undefined, stdout: stdout!, stderr: stderr! };
  } catch (error) {
    for (const { own } of pipes) own.destroy();
    throw error;
  } finally {
    for (const { other } of pipes) closeSync(other);
    if (typeof input === "number") closeSync(input);
  }
}
