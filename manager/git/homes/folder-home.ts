import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Git } from "../program/git.ts";
import { branchRef, type RefUpdate, type RepositoryState } from "../repository.ts";
import { initRepository, readRef, setHead } from "./bare-repository.ts";
import { repositoryConflict, toStorageFull } from "./failures.ts";
import { syncPath } from "./files/durable-files.ts";
import { findRepositories, newRepositoryPath, repositoryPath, setAside } from "./files/repository-folders.ts";
import { type FolderChanges, FolderRepository } from "./folder-repository.ts";
import { ALONE, type Home, type KeptRepository, type OpenRepository, type RepositoryChange } from "./home.ts";
import { InTurn } from "./in-turn.ts";
import { maintain, removeLeftovers } from "./maintain.ts";
import { addObjects, syncObjects } from "./objects.ts";
import { areAtTheirStart, moveRefs } from "./ref-moves.ts";
import { type KeptState, readState, writeState } from "./state-file.ts";

export interface FolderHomeOptions {
  /** Made when it is needed. */
  readonly folder: string;
  readonly git: Git;
}

/** Repositories in a folder of this machine, each with its state in a file. One program at a time uses it. */
export class FolderHome implements Home {
  readonly manager = ALONE;
  readonly #options: FolderHomeOptions;
  readonly #turns = new InTurn();
  /** What each repository had when it was last read or saved; undefined for one that is broken. */
  readonly #known = new Map<string, KeptState | undefined>();
  #loaded: Promise<void> | undefined;

  constructor(options: FolderHomeOptions) {
    this.#options = options;
  }

  async open(name: string): Promise<OpenRepository | undefined> {
    await this.#load();
    return await this.#turns.run(checkFunctionName(name), () => this.#read(name));
  }

  async create(name: string, state: RepositoryState): Promise<OpenRepository> {
    checkFunctionName(name);
    await this.#load();
    const path = newRepositoryPath(this.#options.folder);
    try {
      await initRepository(path, state.branch);
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw toStorageFull(error);
    }
    return this.#openAt(name, path, { revision: 0, updatedAt: new Date(), state, moves: [] });
  }

  async list({ after = "", limit }: { readonly after?: string; readonly limit: number }) {
    await this.#load();
    const names = [...this.#known.keys()].filter((name) => name > after).sort();
    const found: KeptRepository[] = [];
    for (const name of names.slice(0, limit)) {
      const kept = this.#known.get(name) ?? (await this.#turns.run(name, () => this.#read(name)));
      if (kept !== undefined) found.push(await this.#describe(name, kept));
    }
    return found;
  }

  async find(name: string): Promise<KeptRepository | undefined> {
    await this.#load();
    const kept = this.#known.get(name);
    if (kept === undefined) return this.#known.has(name) ? await this.open(name) : undefined;
    return await this.#describe(name, kept);
  }

  async ownerOf(functionName: string): Promise<string | undefined> {
    await this.#load();
    const owners = [...this.#known].flatMap(([name, kept]) =>
      kept && Object.hasOwn(kept.state.functions, functionName) ? [name] : [],
    );
    const owner = owners.find((name) => name !== functionName) ?? owners[0];
    if (owner !== undefined) return owner;
    // One that is broken may be the owner: its error says what to do.
    const broken = [...this.#known.keys()].filter((name) => this.#known.get(name) === undefined);
    for (const name of broken) {
      const repository = await this.open(name);
      if (repository && Object.hasOwn(repository.state.functions, functionName)) return name;
    }
    return undefined;
  }

  async remove(name: string): Promise<boolean> {
    await this.#load();
    return await this.#turns.run(checkFunctionName(name), async () => {
      const { folder } = this.#options;
      this.#known.delete(name);
      const gone = await setAside(folder, name);
      if (gone === undefined) return false;
      await syncPath(folder);
      await rm(gone, { recursive: true, force: true });
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#loaded;
  }

  #pathOf(name: string): string {
    return repositoryPath(this.#options.folder, name);
  }

  #load(): Promise<void> {
    this.#loaded ??= this.#readAll().catch((error) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  /** Reads every state, and removes folders that a killed Skiff left. */
  async #readAll(): Promise<void> {
    for (const name of await findRepositories(this.#options.folder)) {
      // One that is broken must not keep the others away: whoever asks for it gets the reason.
      const kept = await readState(this.#pathOf(name)).catch(() => undefined);
      this.#known.set(name, kept);
      await removeLeftovers(this.#pathOf(name), { isStart: true });
    }
  }

  async #describe(
    name: string,
    { state, updatedAt }: Pick<KeptState, "state" | "updatedAt">,
  ): Promise<KeptRepository> {
    const head = await readRef(this.#pathOf(name), branchRef(state.branch));
    return { name, state, updatedAt, ...(head && { head }) };
  }

  /** Ends what a killed Skiff began, and opens the repository. */
  async #read(name: string): Promise<FolderRepository | undefined> {
    const path = this.#pathOf(name);
    const kept = await readState(path);
    if (kept === undefined) {
      this.#known.delete(name);
      return undefined;
    }
    this.#known.set(name, kept);
    return await this.#openAt(name, path, await this.#settle(path, kept));
  }

  async #openAt(name: string, path: string, kept: KeptState): Promise<FolderRepository> {
    const head = await readRef(path, branchRef(kept.state.branch));
    const change: FolderChanges = {
      save: (repository, each) => this.#turns.run(name, () => this.#save(repository, each)),
      maintain: (repository, options) =>
        this.#turns.run(name, () => {
          const { path, state } = repository;
          return maintain(this.#options.git, path, { ...options, state });
        }),
    };
    return new FolderRepository({ name, path, kept, head, change });
  }

  /** Moves the refs that a save had begun to move. */
  async #settle(path: string, kept: KeptState): Promise<KeptState> {
    await setHead(path, kept.state.branch);
    if (kept.moves.length === 0) return kept;
    const updates: RefUpdate[] = [];
    for (const move of kept.moves) if (await areAtTheirStart(path, [move])) updates.push(move);
    await moveRefs(this.#options.git, path, { updates });
    const settled = { ...kept, moves: [] };
    await writeState(path, settled);
    return settled;
  }

  async #save(repository: FolderRepository, change: RepositoryChange): Promise<FolderRepository> {
    const { name, path, revision, updatedAt: before } = repository;
    const { state, objects, refs = [], byGit = false } = change;
    const updatedAt = new Date();
    try {
      const current = await readState(path);
      const isChanged = (current?.revision ?? 0) !== revision || !(await areAtTheirStart(path, refs));
      if (isChanged || (revision === 0 && this.#known.has(name))) throw repositoryConflict(name);
      const into = join(path, "objects");
      if (objects !== undefined) await addObjects(objects, into);
      await syncObjects(into, before);
      const moves = byGit ? [] : refs.filter(({ from, to }) => from !== to);
      const kept = { revision: revision + 1, updatedAt, state, moves };
      if (revision === 0) return await this.#place(repository, kept);
      await moveRefs(this.#options.git, path, { updates: moves, between: () => writeState(path, kept) });
      this.#known.set(name, kept);
      return await this.#openAt(name, path, await this.#settle(path, kept));
    } catch (error) {
      throw toStorageFull(error);
    }
  }

  /** Gives a new repository its name when it is complete. */
  async #place({ name, path }: FolderRepository, { moves, ...rest }: KeptState): Promise<FolderRepository> {
    const kept = { ...rest, moves: [] };
    await moveRefs(this.#options.git, path, { updates: moves });
    await setHead(path, kept.state.branch);
    await writeState(path, kept);
    await syncPath(path);
    const place = this.#pathOf(name);
    try {
      await rename(path, place);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") throw repositoryConflict(name);
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      const detail = `The folder ${place} is in the way, and is no repository of Skiff: move it away, then try again.`;
      throw new Problem("internal_error", detail);
    }
    await syncPath(this.#options.folder);
    this.#known.set(name, kept);
    return await this.#openAt(name, place, kept);
  }
}
