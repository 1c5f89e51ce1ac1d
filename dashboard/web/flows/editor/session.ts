import { effect, signal } from "@preact/signals";
import { api, request } from "../../api/client.ts";
import { ApiProblem, asProblem } from "../../api/problem.ts";
import { DraftKeeper } from "../../drafts/keeper.ts";
import type { Draft } from "../../drafts/store.ts";
import type { FlowEdit } from "../document/flow-edit.ts";
import { FlowLanguage } from "../language/client.ts";
import type { Checked } from "../language/outline.ts";

/** The text of a flow as Skiff has it. */
export interface Stored {
  readonly text: string;
  /** Of the answer; undefined for a flow that is not there yet. */
  readonly etag: string | undefined;
  readonly version: number | undefined;
}

/** The text that somebody has not deployed yet. */
export interface FlowDraft {
  /** Of a new flow, which has no place in the address. */
  readonly name: string;
  readonly text: string;
  /** Of the text that it is based on. */
  readonly etag?: string;
  readonly version?: number;
}

/** What a dry run of the deploy says. */
export interface DryRun {
  /** The text that was judged. */
  readonly text: string;
  readonly warnings: readonly string[];
  readonly problem?: ApiProblem;
}

export const BEGINNING = `# What begins runs is written under on:, what they do under steps:.
steps:
`;
export const NOTHING: Stored = { text: "", etag: undefined, version: undefined };

/** A dry run follows this long after the last change. */
const DRY_RUN_MS = 900;
/** A text that takes longer to check is deployed without. */
const SETTLED_MS = 3_000;
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** One flow in the editor. The text is the truth: canvas, outline and forms change it, and show what it says. */
export class FlowSession {
  readonly name = signal("");
  readonly text = signal("");
  readonly stored = signal<Stored>(NOTHING);
  /** Of the newest text that was checked; the outline is that of the last text that could be read. */
  readonly checked = signal<Checked>({ faults: [] });
  /** The text that `checked` is about. */
  readonly checkedText = signal<string | undefined>(undefined);
  readonly selected = signal<string | undefined>(undefined);
  readonly dryRun = signal<DryRun | undefined>(undefined);
  /** Theirs, after a deploy over a version that somebody else made. */
  readonly conflict = signal<Stored | undefined>(undefined);
  readonly broken = signal<ApiProblem | undefined>(undefined);
  readonly language: FlowLanguage;
  readonly isNew: boolean;
  readonly drafts: DraftKeeper<FlowDraft>;
  #editing: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string | undefined) {
    this.isNew = name === undefined;
    this.name.value = name ?? "";
    this.drafts = new DraftKeeper(`flow/${name ?? ""}`);
    const broken = (error: Error) => {
      this.broken.value = new ApiProblem(0, { title: "The text cannot be checked", detail: error.message });
    };
    this.language = new FlowLanguage((checked, text) => this.#take(checked, text), broken);
  }

  /** Takes a text as the one that Skiff has. */
  open(stored: Stored, text = stored.text): void {
    this.stored.value = stored;
    this.change(text);
  }

  /** Goes on with a draft. It keeps the version that it is based on, so that a deploy finds what came in between. */
  restore(stored: Stored, draft: FlowDraft): void {
    if (this.isNew) this.name.value = draft.name;
    this.open({ ...stored, etag: draft.etag, version: draft.version }, draft.text);
  }

  /** Goes on with a draft of a tab that is gone, where nothing was changed here. */
  async adopt(draft: Draft<FlowDraft>): Promise<void> {
    this.restore(this.stored.value, draft.content);
    await this.drafts.adopt(draft);
  }

  /** Takes back all changes. */
  async discard(): Promise<void> {
    const stored = this.isNew ? NOTHING : await readFlow(this.name.value);
    this.open(stored, this.isNew ? BEGINNING : undefined);
  }

  change(text: string): void {
    this.text.value = text;
    this.#keepDraft();
    this.dryRun.value = undefined;
    this.language.check(text, this.isNew ? undefined : this.name.value);
  }

  /** Changes the text as an edit asks. Edits wait for each other; one that meets a newer text is made again. */
  apply(edit: FlowEdit): Promise<void> {
    const made = this.#editing.then(() => this.#apply(edit));
    this.#editing = made.catch(() => undefined);
    return made;
  }

  async #apply(edit: FlowEdit): Promise<void> {
    for (;;) {
      const text = this.text.value;
      const edited = await this.language.edit(text, edit);
      if (this.text.value !== text) continue;
      if (edited.text !== text) this.change(edited.text);
      if (edited.step !== undefined) this.selected.value = edited.step;
      return;
    }
  }

  /** Resolves once the newest text is checked, or will not be. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => end(), SETTLED_MS);
      const stop = effect(() => {
        if (this.checkedText.value === this.text.value) queueMicrotask(() => end());
      });
      const end = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
    });
  }

  get isChanged(): boolean {
    return this.text.value !== this.stored.value.text;
  }

  /** Why the flow cannot be deployed; undefined if it can. */
  get obstacle(): string | undefined {
    if (!NAME.test(this.name.value)) return "Give the flow a name of a to z, 0 to 9 and -.";
    const { faults } = this.checked.value;
    return faults.length > 0 ? `Mend line ${faults[0]!.line} first: ${faults[0]!.message}` : undefined;
  }

  /** @throws ApiProblem */
  async deploy(message: string): Promise<void> {
    const [text, { etag }] = [this.text.value, this.stored.value];
    try {
      const response = await request("PUT", `/flow/${this.name.value}`, {
        query: { message: message || undefined },
        headers: {
          "content-type": "application/yaml",
          ...(etag ? { "if-match": etag } : { "if-none-match": "*" }),
        },
        body: text,
      });
      const { version } = (await response.json()) as { version?: number };
      const made = { text, etag: response.headers.get("etag") ?? undefined, version };
      this.stored.value = made;
      this.conflict.value = undefined;
      this.drafts.restoredAt.value = undefined;
      this.#keepDraft();
      await this.drafts.flush();
      // What is called live is what Skiff has now: somebody else may have deployed since.
      const live = await readFlow(this.name.value);
      if (live.text !== text) this.conflict.value = live;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status !== 412 && problem.status !== 409) throw problem;
      this.conflict.value = await readFlow(this.name.value);
    }
  }

  /** Deploys over what somebody else made. */
  async deployOnTop(theirs: Stored): Promise<void> {
    this.stored.value = theirs;
    await this.deploy("");
  }

  #keepDraft(): void {
    const [text, { etag, version }] = [this.text.value, this.stored.value];
    const isWorthIt = this.isChanged && text !== BEGINNING;
    const base = { ...(etag !== undefined && { etag }), ...(version !== undefined && { version }) };
    const draft = { name: this.name.value, text, ...base };
    this.drafts.keep(isWorthIt ? draft : undefined);
  }

  close(): void {
    void this.drafts.close();
    clearTimeout(this.#timer);
    this.language.close();
  }

  #take(checked: Checked, text: string): void {
    this.checkedText.value = text;
    const { outline } = this.checked.value;
    this.checked.value =
      checked.outline === undefined && outline !== undefined ? { ...checked, outline } : checked;
    const { selected } = this;
    const isThere = checked.outline?.steps.some(({ name }) => name === selected.value);
    if (checked.outline !== undefined && selected.value !== undefined && !isThere) selected.value = undefined;
    clearTimeout(this.#timer);
    if (checked.faults.length === 0) this.#timer = setTimeout(() => void this.#tryDeploy(text), DRY_RUN_MS);
  }

  /** Skiff knows more than the page: functions that are missing, schemas, times. */
  async #tryDeploy(text: string): Promise<void> {
    const name = NAME.test(this.name.value) ? this.name.value : undefined;
    if (name === undefined || this.text.value !== text || text.trim() === "") return;
    try {
      const { warnings } = await api.send<DryRun>("PUT", `/flow/${name}`, {
        ...{ query: { dryRun: true }, body: text, headers: { "content-type": "application/yaml" } },
      });
      if (this.text.value === text) this.dryRun.value = { text, warnings };
    } catch (error) {
      if (this.text.value === text) this.dryRun.value = { text, warnings: [], problem: asProblem(error) };
    }
  }
}

/** @throws ApiProblem */
export async function readFlow(name: string): Promise<Stored> {
  const response = await request("GET", `/flow/${encodeURIComponent(name)}/source`, {
    headers: { accept: "*/*" },
  });
  const text = await response.text();
  const { version } = await api.get<{ version?: number }>(`/flow/${encodeURIComponent(name)}`);
  return { text, etag: response.headers.get("etag") ?? undefined, version };
}
