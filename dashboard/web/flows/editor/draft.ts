/** The text that somebody has not deployed yet: kept by this tab of the browser, also when it is reloaded or restored. */
export interface FlowDraft {
  /** Of a new flow, which has no place in the address. */
  readonly name: string;
  readonly text: string;
  /** Of the text that it is based on. */
  readonly etag?: string;
  readonly savedAt: number;
}

const PLACE = "skiff.flow-draft";
/** What is typed is kept this soon. */
const SAVE_MS = 300;

/** @param flow undefined for a new one */
export function readDraft(flow: string | undefined): FlowDraft | undefined {
  const kept = sessionStorage.getItem(placeOf(flow));
  return kept === null ? undefined : (JSON.parse(kept) as FlowDraft);
}

/** Keeps the newest draft of one flow. */
export class DraftKeeper {
  readonly #place: string;
  #next: FlowDraft | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(flow: string | undefined) {
    this.#place = placeOf(flow);
  }

  /** Undefined removes it. */
  keep(draft: FlowDraft | undefined): void {
    this.#next = draft;
    this.#timer ??= setTimeout(() => this.flush(), SAVE_MS);
  }

  flush(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#next === undefined) sessionStorage.removeItem(this.#place);
    else sessionStorage.setItem(this.#place, JSON.stringify(this.#next));
  }
}

function placeOf(flow: string | undefined): string {
  return `${PLACE}/${flow ?? ""}`;
}
