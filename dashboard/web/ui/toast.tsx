import { signal } from "@preact/signals";
import { asProblem } from "../api/problem.ts";
import { readBackProblem, type Written } from "../api/read-back.ts";
import { Icon } from "./icon.tsx";

interface Message {
  readonly id: number;
  readonly kind: "ok" | "bad";
  readonly text: string;
}

/** Messages of success go by themselves; problems stay until they are closed. */
const SHOWN_MS = 6_000;
const messages = signal<readonly Message[]>([]);

/** Says that something was done. Call it after the API confirmed it. */
export function showDone(text: string): void {
  const { id } = add("ok", text);
  setTimeout(() => close(id), SHOWN_MS);
}

/** Shows `done` once what was written is read back. Otherwise shows what is known. */
export async function showWritten<T>(done: string, written: Written<T>): Promise<void> {
  const problem = await readBackProblem(written);
  if (problem === undefined) showDone(done);
  else showProblem(problem);
}

/** Shows what the API says. */
export function showProblem(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  add("bad", asProblem(error).message);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {messages.value.map(({ id, kind, text }) => (
        <div key={id} class={`toast ${kind}`} role={kind === "bad" ? "alert" : undefined}>
          <Icon name={kind === "ok" ? "check" : "warning"} />
          <span>{text}</span>
          <button
            type="button"
            class="button quiet square small"
            aria-label="Close"
            onClick={() => close(id)}
          >
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}

let last = 0;

function add(kind: Message["kind"], text: string): Message {
  const message = { id: ++last, kind, text };
  // The same problem again replaces the one before.
  messages.value = [...messages.value.filter((each) => each.text !== text), message].slice(-4);
  return message;
}

function close(id: number): void {
  messages.value = messages.value.filter((each) => each.id !== id);
}
