import { ApiProblem } from "../../api/problem.ts";
import type { Edited, FlowEdit } from "../document/edit.ts";
import type { Answer, Request, TaskName, Tasks } from "./messages.ts";
import type { Checked } from "./outline.ts";

/** The page's side of the worker. */
export class FlowLanguage {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  #last = 0;
  #newest: { readonly text: string; readonly name: string | undefined } | undefined;
  #isChecking = false;
  readonly #onChecked: (checked: Checked, text: string) => void;
  readonly #onBroken: (error: Error) => void;

  /** @param onChecked is called for the newest text alone */
  constructor(onChecked: (checked: Checked, text: string) => void, onBroken: (error: Error) => void) {
    this.#onChecked = onChecked;
    this.#onBroken = onBroken;
    const url = document.querySelector<HTMLMetaElement>('meta[name="flow-worker"]')!.content;
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#take(data));
    this.#worker.addEventListener("error", ({ message }) => {
      const error = new Error(
        `The worker of the flow editor failed (${message || "it cannot be loaded"}): reload the page.`,
      );
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      onBroken(error);
    });
  }

  /** Checks a text, unless a newer one comes before its turn. */
  check(text: string, name: string | undefined): void {
    this.#newest = { text, name };
    if (!this.#isChecking) void this.#checkNewest();
  }

  edit(text: string, edit: FlowEdit): Promise<Edited> {
    return this.ask("edit", { text, edit });
  }

  ask<Name extends TaskName>(task: Name, input: Tasks[Name]["gets"]): Promise<Tasks[Name]["answers"]> {
    const id = ++this.#last;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, task, input } satisfies Request);
    return answer as Promise<Tasks[Name]["answers"]>;
  }

  close(): void {
    this.#worker.terminate();
  }

  async #checkNewest(): Promise<void> {
    this.#isChecking = true;
    try {
      while (this.#newest !== undefined) {
        const asked = this.#newest;
        this.#newest = undefined;
        const checked = await this.ask("check", asked);
        if (this.#newest === undefined) this.#onChecked(checked, asked.text);
      }
    } catch (error) {
      this.#onBroken(error as Error);
    } finally {
      this.#isChecking = false;
    }
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("fault" in answer)
      waiting?.reject(new ApiProblem(0, { title: "It cannot be done", detail: answer.fault }));
    else waiting?.resolve(answer.answer);
  }
}
