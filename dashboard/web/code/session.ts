import { signal } from "@preact/signals";
import { api } from "../api/client.ts";
import { ApiProblem, asProblem } from "../api/problem.ts";
import { DraftKeeper } from "../drafts/keeper.ts";
import type { Draft } from "../drafts/store.ts";
import { ifMatch, pathOf } from "../function/described.ts";
import { readSource } from "./read-source.ts";
import { differences, type Files, mainFile, postedFiles, type Source } from "./source.ts";
import { isChanged, openWorkspace, type Workspace } from "./workspace.ts";

export type DeployState =
  | { readonly kind: "idle" }
  | { readonly kind: "busy" }
  | { readonly kind: "failed"; readonly problem: ApiProblem }
  | DoneDeploy;

/** A version that was read back. */
export interface DoneDeploy {
  readonly kind: "done";
  readonly version: number;
  readonly isUnchanged: boolean;
  /** It takes calls. */
  readonly isLive: boolean;
  /** URL of the version. */
  readonly url?: string;
  /** From the key or the button to the answer of the deploy: the version has answered a probe. */
  readonly tookMs: number;
}

export interface DeployOptions {
  readonly message: string;
  /** Stores the version without calls. */
  readonly isWithoutCalls?: boolean;
  /** When somebody asked for it: `timeStamp` of the event. */
  readonly askedAtMs: number;
}

interface DeployAnswer {
  readonly version: number;
  readonly url: string;
  readonly unchanged: boolean;
}

const NO_ANSWER = new ApiProblem(0, {
  title: "Not deployed",
  detail: "Skiff does not answer. The draft stays here: deploy it again when Skiff is back.",
});

/** What a draft of a function keeps. */
export interface CodeDraft {
  /** The version on which it is based. */
  readonly current: number;
  readonly files: Files;
  readonly entry?: string;
  /** The file that was shown. */
  readonly shown: string;
}

/** The code of one function while its page is open. */
export class CodeSession {
  readonly name: string;
  readonly workspace = signal<Workspace | undefined>(undefined);
  /** Path of the file that is shown. */
  readonly shown = signal("");
  /** Why the source cannot be read. */
  readonly problem = signal<ApiProblem | undefined>(undefined);
  readonly deployed = signal<DeployState>({ kind: "idle" });
  /** What somebody else deployed meanwhile, to be merged. */
  readonly conflict = signal<Source | undefined>(undefined);
  readonly drafts: DraftKeeper<CodeDraft>;

  constructor(name: string) {
    this.name = name;
    this.drafts = new DraftKeeper(`function/${name}`);
  }

  /** Reads the source, and goes on with the draft of this tab if there is one. */
  async open(): Promise<void> {
    this.problem.value = undefined;
    try {
      const [source, own] = await Promise.all([readSource(this.name), this.drafts.open()]);
      if (own === undefined) this.#show(openWorkspace(source));
      else this.#take(own.content, source);
    } catch (error) {
      this.problem.value = asProblem(error);
    }
  }

  change(workspace: Workspace): void {
    this.#show(workspace);
    this.#keep();
  }

  /** Clears the message that Skiff does not answer. */
  answered(): void {
    const { value } = this.deployed;
    if (value.kind === "failed" && value.problem === NO_ANSWER) this.deployed.value = { kind: "idle" };
  }

  /** Reads what is current, unless something was changed here. */
  async refresh(): Promise<void> {
    const before = this.workspace.value;
    if (before === undefined || isChanged(before) || this.deployed.value.kind === "busy") return;
    const source = await readSource(this.name);
    if (this.workspace.value !== before) return;
    this.#show(openWorkspace(source));
    // It spoke of a version that is not shown any more.
    this.deployed.value = { kind: "idle" };
  }

  discard(): void {
    const { base, current } = this.workspace.value!;
    this.change(openWorkspace(base, current));
  }

  /** Goes on with a draft of a tab that is gone, where nothing was changed here. */
  async restore(draft: Draft<CodeDraft>): Promise<void> {
    const { base } = this.workspace.value!;
    this.#take(draft.content, base);
    await this.drafts.adopt(draft);
  }

  async deploy({ message, isWithoutCalls = false, askedAtMs }: DeployOptions): Promise<void> {
    const workspace = this.workspace.value;
    if (workspace === undefined || this.deployed.value.kind === "busy") return;
    this.deployed.value = { kind: "busy" };
    const { files, entry, current } = workspace;
    const path = pathOf(this.name);
    try {
      const { version, unchanged, url } = await api.send<DeployAnswer>("PUT", path, {
        query: { message: message === "" ? undefined : message, traffic: isWithoutCalls ? 0 : undefined },
        headers: ifMatch(current),
        json: postedFiles(files, entry),
      });
      const tookMs = performance.now() - askedAtMs;
      const [base, now] = await Promise.all([
        readSource(this.name, version),
        api.get<{ readonly version: number }>(path),
      ]);
      this.#rebase(base, { current: now.version, sent: workspace });
      const isLive = now.version === version;
      this.deployed.value = { kind: "done", version, isUnchanged: unchanged, isLive, url, tookMs };
    } catch (error) {
      await this.#refuse(asProblem(error));
    }
  }

  /** Shows what was deployed meanwhile beside what is here. */
  async compare(): Promise<void> {
    const theirs = await readSource(this.name);
    const { files } = this.workspace.value!;
    if (differences(files, theirs.files).length === 0) this.#show(openWorkspace(theirs));
    else this.conflict.value = theirs;
  }

  takeTheirs(): void {
    const theirs = this.conflict.value!;
    this.conflict.value = undefined;
    this.change(openWorkspace(theirs));
  }

  /** Deploys what is here on top of the version that the merge view shows. */
  async deployOnTop(options: DeployOptions): Promise<void> {
    const base = this.conflict.value!;
    this.conflict.value = undefined;
    this.change({ ...this.workspace.value!, base, current: base.version });
    await this.deploy(options);
  }

  async #refuse(problem: ApiProblem): Promise<void> {
    this.deployed.value = { kind: "failed", problem: problem.code === "unreachable" ? NO_ANSWER : problem };
    if (problem.code !== "precondition_failed") return;
    try {
      await this.compare();
      this.deployed.value = { kind: "idle" };
    } catch (error) {
      this.deployed.value = { kind: "failed", problem: asProblem(error) };
    }
  }

  /** The version that was read back is the base from now on; what was typed since stays. */
  #rebase(base: Source, { current, sent }: { readonly current: number; readonly sent: Workspace }): void {
    const now = this.workspace.value!;
    const isSent = now.files === sent.files;
    this.drafts.restoredAt.value = undefined;
    this.change(isSent ? openWorkspace(base, current) : { ...now, base, current });
  }

  #show(workspace: Workspace): void {
    this.workspace.value = workspace;
    if (!(this.shown.value in workspace.files)) this.shown.value = mainFile(workspace);
  }

  #take({ files, entry, current, shown }: CodeDraft, base: Source): void {
    this.shown.value = shown;
    this.#show({ base, current, files, ...(entry === undefined ? {} : { entry }) });
  }

  #keep(): void {
    const workspace = this.workspace.value!;
    const { files, entry, current } = workspace;
    const content: CodeDraft = {
      ...{ current, files, shown: this.shown.value },
      ...(entry === undefined ? {} : { entry }),
    };
    this.drafts.keep(isChanged(workspace) ? content : undefined);
  }
}
