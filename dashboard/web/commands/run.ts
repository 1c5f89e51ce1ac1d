import { signal } from "@preact/signals";
import { request } from "../api/client.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { linesOf } from "../api/streams.ts";

/** A command as the form has it. */
export interface Order {
  readonly image: string;
  readonly command: string;
  /** `sh -c`, so that pipes and variables work. */
  readonly hasShell: boolean;
  readonly stdin: string;
  /** Lines `NAME=value`. */
  readonly env: string;
  readonly timeout: string;
  readonly memory: string;
}

export interface Part {
  readonly stream: "output" | "errors";
  readonly text: string;
}

/** A command of this tab. Undefined members are not known yet. */
export interface Run {
  readonly id: number;
  readonly order: Order;
  readonly startedAt: number;
  readonly parts: readonly Part[];
  /** The beginning was left out. */
  readonly isCut?: boolean;
  readonly exitCode?: number;
  readonly durationMs?: number;
  /** Why it was ended. */
  readonly error?: string;
  readonly problem?: ApiProblem;
  readonly isStopped?: boolean;
}

/** The commands of this tab, newest first. In memory alone: their variables and their output may be secret. */
export const runs = signal<readonly Run[]>([]);

const MOST_RUNS = 30;
/** Characters of the output that are kept of a run: the newest ones. */
const MOST_KEPT = 300_000;

interface Line {
  readonly output?: string;
  readonly errors?: string;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly error?: string;
  readonly detail?: string;
}

let last = 0;
/** Of the commands that run. They go on while somebody looks at another page. */
const stops = new Map<number, AbortController>();

/** Ends a command of this tab. */
export function stopRun(id: number): void {
  stops.get(id)?.abort();
}

/** Runs a command and follows its output. Never throws: what went wrong is in the run. */
export async function runCommand(order: Order): Promise<void> {
  const id = ++last;
  const { signal: stop } = setStop(id);
  runs.value = [{ id, order, startedAt: Date.now(), parts: [] }, ...runs.value].slice(0, MOST_RUNS);
  const change = (changed: (run: Run) => Partial<Run>) => {
    runs.value = runs.value.map((run) => (run.id === id ? { ...run, ...changed(run) } : run));
  };
  const output = collected((parts) => change((run) => appended(run, parts)));
  try {
    const response = await request("POST", "/exec", {
      query: queryOf(order),
      headers: { accept: "application/x-ndjson", ...variablesOf(order.env) },
      signal: stop,
      ...(order.stdin === "" ? {} : { body: order.stdin }),
    });
    for await (const text of linesOf(response.body!)) {
      if (text === "") continue;
      const line = JSON.parse(text) as Line;
      if (line.output !== undefined) output.add({ stream: "output", text: line.output });
      if (line.errors !== undefined) output.add({ stream: "errors", text: line.errors });
      if (line.durationMs === undefined) continue;
      const { exitCode, durationMs, detail } = line;
      output.flush();
      change(() => ({
        durationMs,
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(detail === undefined ? {} : { error: detail }),
      }));
    }
    output.flush();
    change(({ durationMs }) =>
      durationMs === undefined ? { error: "The answer broke off.", durationMs: 0 } : {},
    );
  } catch (error) {
    output.flush();
    if (stop.aborted) change(({ startedAt }) => ({ isStopped: true, durationMs: Date.now() - startedAt }));
    else change(({ startedAt }) => ({ problem: asProblem(error), durationMs: Date.now() - startedAt }));
  } finally {
    stops.delete(id);
  }
}

function setStop(id: number): AbortController {
  const stop = new AbortController();
  stops.set(id, stop);
  return stop;
}

function queryOf({ image, command, hasShell, timeout, memory }: Order) {
  return {
    image,
    ...(command === "" ? {} : hasShell ? { arg: ["sh", "-c", command] } : { cmd: command }),
    ...(timeout === "" ? {} : { timeout }),
    ...(memory === "" ? {} : { memory }),
  };
}

function variablesOf(env: string): Record<string, string> {
  const lines = env.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      return [`x-skiff-env-${line.slice(0, at).trim()}`, line.slice(at + 1)];
    }),
  );
}

/** Says what is wrong with the lines of variables. */
export function envFault(env: string): string | undefined {
  for (const line of env.split("\n")) {
    if (line.trim() === "") continue;
    if (!/^\s*[A-Za-z_]\w*\s*=/.test(line)) return `“${line.slice(0, 40)}” is not NAME=value.`;
    // A header field has no other characters.
    if (/[^\x20-\x7e\xa0-\xff]/.test(line)) return `“${line.slice(0, 40)}” has characters outside Latin-1.`;
  }
  return undefined;
}

/** Shows what came since the last frame at once: a command may write much faster than a page draws. */
function collected(show: (parts: readonly Part[]) => void) {
  let waiting: Part[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) show(waiting);
    waiting = [];
  };
  const add = (part: Part) => {
    waiting.push(part);
    timer ??= setTimeout(flush, 50);
  };
  return { add, flush };
}

function appended({ parts, isCut = false }: Run, added: readonly Part[]): Partial<Run> {
  const joined: Part[] = [...parts];
  for (const part of added) {
    const before = joined.at(-1);
    if (before?.stream === part.stream)
      joined[joined.length - 1] = { ...part, text: before.text + part.text };
    else joined.push(part);
  }
  let over = joined.reduce((sum, { text }) => sum + text.length, 0) - MOST_KEPT;
  if (over <= 0) return { parts: joined, isCut };
  const kept = joined.flatMap((part) => {
    const left = part.text.slice(Math.max(0, over));
    over -= part.text.length - left.length;
    return left === "" ? [] : [{ ...part, text: left }];
  });
  return { parts: kept, isCut: true };
}
