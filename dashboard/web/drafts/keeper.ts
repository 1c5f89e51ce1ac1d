import { signal } from "@preact/signals";
import { type Draft, draftsOf, putDraft, removeDraft } from "./store.ts";
import { liveTabs, ownTab } from "./tab.ts";

/** What is typed is kept this soon. */
const SAVE_MS = 300;
/** Tabs tell each other here that a draft came or went, by its place. */
const CHANNEL = "skiff.drafts";

export type DraftState =
  | { readonly kind: "none" | "kept" }
  | { readonly kind: "failed"; readonly reason: string };

/** Keeps the draft of one place of this tab while somebody types, and knows those of other tabs. */
export class DraftKeeper<Content> {
  readonly state = signal<DraftState>({ kind: "none" });
  /** Drafts whose tabs are gone, or of which nobody knows. */
  readonly offered = signal<readonly Draft<Content>[]>([]);
  /** Tabs that have a draft of the same place now. */
  readonly others = signal(0);
  /** When the draft was saved that came back. */
  readonly restoredAt = signal<number | undefined>(undefined);
  readonly #place: string;
  /** Something would be lost without the browser's database. */
  #hasContent = false;
  #next: { readonly content: Content | undefined } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #channel: BroadcastChannel | undefined;

  /** @param place such as `function/hello` */
  constructor(place: string) {
    this.#place = place;
  }

  /** Returns the draft of this tab. From now on, a page that goes keeps what was typed last, until `close`. */
  async open(): Promise<Draft<Content> | undefined> {
    this.#listen();
    const own = await this.#look();
    if (own === undefined) return undefined;
    this.#hasContent = true;
    this.state.value = { kind: "kept" };
    this.restoredAt.value = own.savedAt;
    return own;
  }

  /** Stores what was typed last. */
  async close(): Promise<void> {
    removeEventListener("pagehide", this.#hide);
    document.removeEventListener("visibilitychange", this.#turn);
    removeEventListener("beforeunload", this.#leave);
    await this.flush();
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Stores a draft soon. Undefined removes it now, so that the next page does not bring back what was discarded. */
  keep(content: Content | undefined): void {
    this.#next = { content };
    this.#hasContent = content !== undefined;
    if (content === undefined) {
      this.restoredAt.value = undefined;
      void this.flush();
    } else this.#timer ??= setTimeout(() => void this.flush(), SAVE_MS);
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

  /** Takes over a draft of a tab that is gone: `content` is that of this tab now. */
  async adopt(draft: Draft<Content>): Promise<void> {
    this.restoredAt.value = draft.savedAt;
    this.keep(draft.content);
    await this.flush();
    if (this.state.value.kind === "kept") await this.forget(draft);
  }

  /** Removes a draft of a tab that is gone. */
  async forget(draft: Draft<Content>): Promise<void> {
    await removeDraft(draft);
    this.offered.value = this.offered.value.filter(({ tab }) => tab !== draft.tab);
    this.#channel?.postMessage(this.#place);
  }

  readonly #hide = () => void this.flush();

  readonly #turn = () => {
    if (document.visibilityState === "visible") void this.#look();
    else void this.flush();
  };

  readonly #leave = (event: BeforeUnloadEvent) => {
    if (this.#hasContent) event.preventDefault();
  };

  #listen(): void {
    if (this.#channel !== undefined) return;
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = ({ data }) => {
      if (data === this.#place) void this.#look();
    };
    addEventListener("pagehide", this.#hide);
    document.addEventListener("visibilitychange", this.#turn);
    addEventListener("beforeunload", this.#leave);
  }

  async #look(): Promise<Draft<Content> | undefined> {
    try {
      const tab = await ownTab();
      const [drafts, live] = await Promise.all([draftsOf<Content>(this.#place), liveTabs()]);
      const own = drafts.find((draft) => draft.tab === tab);
      const foreign = drafts.filter((draft) => draft !== own);
      this.offered.value = foreign.filter((draft) => !live?.has(draft.tab));
      this.others.value = foreign.length - this.offered.value.length;
      return own;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  async #write(content: Content | undefined): Promise<void> {
    const before = this.state.value.kind;
    try {
      const key = { place: this.#place, tab: await ownTab() };
      if (content === undefined) await removeDraft(key);
      else await putDraft({ ...key, content, savedAt: Date.now() });
      this.state.value = { kind: content === undefined ? "none" : "kept" };
    } catch (error) {
      this.#fail(error);
    }
    if (this.state.value.kind !== before) this.#channel?.postMessage(this.#place);
  }

  #fail(error: unknown): void {
    this.state.value = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}
