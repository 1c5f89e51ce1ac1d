import { type Draft, draftsOf, putDraft, removeDraft } from "./drafts.ts";
import { liveTabs, ownTab } from "./tab.ts";

/** What is typed is kept this soon. */
const SAVE_MS = 300;

export type DraftContent = Omit<Draft, "function" | "tab" | "savedAt">;

export interface FoundDrafts {
  /** Of this tab. */
  readonly own?: Draft;
  /** Their tabs are gone, or nobody knows. */
  readonly offered: readonly Draft[];
  /** Tabs that edit the same function now. */
  readonly others: number;
}

/** Keeps the draft of one function of this tab while somebody types. */
export class DraftKeeper {
  readonly #name: string;
  readonly #report: (state: DraftState) => void;
  #next: { readonly content: DraftContent | undefined } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(name: string, report: (state: DraftState) => void) {
    this.#name = name;
    this.#report = report;
  }

  async find(): Promise<FoundDrafts> {
    const tab = await ownTab();
    const [drafts, live] = await Promise.all([draftsOf(this.#name), liveTabs()]);
    const own = drafts.find((draft) => draft.tab === tab);
    const foreign = drafts.filter((draft) => draft !== own);
    const offered = foreign.filter((draft) => !live?.has(draft.tab));
    return { ...(own === undefined ? {} : { own }), offered, others: foreign.length - offered.length };
  }

  /** Stores a draft soon; undefined removes it. */
  keep(content: DraftContent | undefined): void {
    this.#next = { content };
    this.#timer ??= setTimeout(() => void this.flush(), SAVE_MS);
  }

  /** Stores now what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#writing = this.#writing.then(() => this.#write(next.content));
    return this.#writing;
  }

  async #write(content: DraftContent | undefined): Promise<void> {
    try {
      const key = { function: this.#name, tab: await ownTab() };
      if (content === undefined) {
        await removeDraft(key);
        this.#report({ kind: "none" });
      } else {
        await putDraft({ ...content, ...key, savedAt: Date.now() });
        this.#report({ kind: "kept" });
      }
    } catch (error) {
      this.#report({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  }
}

export type DraftState =
  | { readonly kind: "none" | "kept" }
  | { readonly kind: "failed"; readonly reason: string };
