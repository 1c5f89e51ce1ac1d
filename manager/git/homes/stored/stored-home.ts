import { createReadStream } from "node:fs";
import { access, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkFunctionName } from "../../../../platform/function-name.ts";
import type { Limits } from "../../../../platform/limits.ts";
import type {
  Repositories,
  StoredRepository as Row,
  StoredPack,
} from "../../../../store/git/repositories.ts";
import type { Git } from "../../program/git.ts";
import { branchRef, type RefUpdate, type RepositoryState } from "../../repository.ts";
import { initRepository, readRef, setHead } from "../bare-repository.ts";
import { repositoryConflict, toStorageFull } from "../failures.ts";
import type {
  Home,
  HomeManager,
  KeptRepository,
  MaintainOptions,
  OpenRepository,
  RepositoryChange,
} from "../home.ts";
import { InTurn } from "../in-turn.ts";
import { maintain } from "../maintain.ts";
import { addObjects, type PackFile, packsIn } from "../objects.ts";
import { removeLocks } from "../ref-moves.ts";
import { checkTips, packLoose } from "./pack-loose.ts";
import { writeRefs } from "./refresh-copy.ts";
import { joinMirrors, stateOf, withUpdates } from "./rows.ts";
import { StoredRepository } from "./stored-repository.ts";
import { WorkingCopies } from "./working-copies.ts";

/** Working copies on one disk, in sizes of the largest repository. */
const COPIES = 2;
/** Another manager may pack a repository again while it is fetched. */
const TRIES = 3;

export interface StoredHomeOptions {
  /** For working copies, which may be lost. Made when it is needed, and of this process alone. */
  readonly folder: string;
  readonly git: Git;
  readonly repositories: Repositories;
  readonly limits: Pick<Limits, "repositoryBytes" | "gitMs">;
  readonly manager: HomeManager;
}

/** Repositories in the store, which any number of managers share. A folder has working copies of those in use. */
export class StoredHome implements Home {
  readonly #options: StoredHomeOptions;
  readonly #turns = new InTurn();
  readonly #copies: WorkingCopies;

  get manager(): HomeManager {
    return this.#options.manager;
  }

  constructor(options: StoredHomeOptions) {
    this.#options = options;
    const { repositoryBytes, gitMs } = options.limits;
    // A request that waits for its turn may run as long as one that does not.
    this.#copies = new WorkingCopies({ ...options, mostBytes: COPIES * repositoryBytes, useMs: 2 * gitMs });
  }

  async open(name: string): Promise<OpenRepository | undefined> {
    checkFunctionName(name);
    await this.#copies.load();
    const opened = await this.#turns.run(name, () => this.#open(name));
    await this.#removeSurplus();
    return opened;
  }

  async create(name: string, state: RepositoryState): Promise<OpenRepository> {
    checkFunctionName(name);
    await this.#copies.load();
    const path = this.#copies.newPath();
    try {
      await initRepository(path, state.branch);
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw toStorageFull(error);
    }
    return this.#opened({ name, path, state, row: undefined });
  }

  async list(page: { readonly after?: string; readonly limit: number }): Promise<readonly KeptRepository[]> {
    const rows = await this.#options.repositories.list(page);
    return rows.map(keptOf);
  }

  async find(name: string): Promise<KeptRepository | undefined> {
    const row = await this.#options.repositories.get(name);
    return row && keptOf(row);
  }

  ownerOf(functionName: string): Promise<string | undefined> {
    return this.#options.repositories.ownerOf(functionName);
  }

  async remove(name: string): Promise<boolean> {
    checkFunctionName(name);
    await this.#copies.load();
    return await this.#turns.run(name, async () => {
      const wasThere = await this.#options.repositories.remove(name);
      await this.#copies.remove(name);
      return wasThere;
    });
  }

  async close(): Promise<void> {
    await this.#copies.load();
  }

  async #open(name: string): Promise<StoredRepository | undefined> {
    const { repositories } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const row = await repositories.get(name);
      if (row === undefined) {
        await this.#copies.remove(name);
        return undefined;
      }
      const state = stateOf(row);
      try {
        await this.#copies.bring(row, state.branch);
      } catch (error) {
        const isNewer = (await repositories.get(name))?.revision !== row.revision;
        if (isNewer && attempt < TRIES) continue;
        throw toStorageFull(error);
      }
      return await this.#opened({ name, path: this.#copies.pathOf(name), state, row });
    }
  }

  async #opened(parts: OpenedParts): Promise<StoredRepository> {
    const head = await readRef(parts.path, branchRef(parts.state.branch));
    return new StoredRepository({
      ...parts,
      head,
      change: {
        save: (repository, change) => this.#save(repository, change),
        maintain: (repository, options) => this.#maintain(repository, options),
      },
    });
  }

  async #save(repository: StoredRepository, change: RepositoryChange): Promise<StoredRepository> {
    const { git } = this.#options;
    const { name, path, row } = repository;
    const { state, objects, refs: updates = [], byGit = false } = change;
    const refs = withUpdates(row?.refs ?? {}, updates);
    if (refs === undefined || !(await isThere(path))) throw repositoryConflict(name);
    try {
      await packLoose(git, path);
      if (objects !== undefined) {
        await packLoose(git, path, objects);
        // Git moves those of a push there too, and keeps what is there.
        await addObjects(objects, join(path, "objects"));
      }
      await checkTips(git, path, updates);
      const known = row?.packs ?? [];
      const packs = [...known, ...(await this.#upload(repository, known))];
      const next = {
        name,
        refs,
        packs,
        state,
        functions: Object.keys(state.functions),
        updatedAt: new Date(),
      };
      return await this.#turns.run(name, async () => {
        const saved = await this.#saveRow(next, row);
        return await this.#takeOver(repository, saved, byGit ? undefined : updates);
      });
    } catch (error) {
      throw toStorageFull(error);
    }
  }

  async #saveRow(change: Omit<Row, "revision">, before: Row | undefined): Promise<Row> {
    const { repositories } = this.#options;
    let [next, revision] = [change, before?.revision];
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const saved = await repositories.save(next, revision);
      if (saved !== undefined) return { ...next, revision: saved };
      const theirs = before && (await repositories.get(change.name));
      const joined = theirs && joinMirrors(before, change, theirs);
      if (joined === undefined) break;
      [next, revision] = [joined, theirs?.revision];
    }
    throw repositoryConflict(change.name);
  }

  /** Stores the packs of a folder besides those that are known. */
  async #upload(
    { name, path }: StoredRepository,
    known: readonly StoredPack[],
  ): Promise<readonly PackFile[]> {
    const ids = new Set(known.map(({ id }) => id));
    const added = (await packsIn(join(path, "objects"))).filter(({ id }) => !ids.has(id));
    for (const { id } of added) {
      const parts = createReadStream(join(path, "objects", "pack", `pack-${id}.pack`));
      await this.#options.repositories.addPack(name, { id, parts });
    }
    return added;
  }

  /**
   * Makes the folder of a saved repository what its row says.
   * @param updates refs to move; undefined if git moves them
   */
  async #takeOver(
    { name, path, row: before }: StoredRepository,
    row: Row,
    updates: readonly RefUpdate[] | undefined,
  ): Promise<StoredRepository> {
    const state = stateOf(row);
    const place = this.#copies.pathOf(name);
    // It is saved. If its copy cannot follow, the next one who opens it makes the copy anew.
    this.#copies.forget(name);
    if (updates !== undefined) {
      await removeLocks(path, updates);
      if (updates.length > 0) await writeRefs(path, row.refs);
    }
    await setHead(path, state.branch);
    if (before === undefined) {
      await this.#copies.remove(name);
      await rename(path, place);
    }
    // Somebody who opened it meanwhile may have removed what no row named yet.
    if (await hasPacks(place, row))
      this.#copies.keep(row, updates === undefined ? performance.now() : undefined);
    else await this.#copies.refresh(row, state.branch);
    return await this.#opened({ name, path: place, state, row });
  }

  async #maintain(repository: StoredRepository, options: MaintainOptions): Promise<void> {
    const { git, repositories } = this.#options;
    const { name, path, row, state } = repository;
    if (row === undefined || !(await isThere(path)) || !(await hasPacks(path, row))) return;
    await packLoose(git, path);
    await maintain(git, path, { ...options, state });
    if (await hasPacks(path, row)) return;
    await this.#upload(repository, row.packs);
    const packs = await packsIn(join(path, "objects"));
    await this.#turns.run(name, async () => {
      const revision = await repositories.save({ ...row, packs }, row.revision);
      // Otherwise another manager changed it: whoever opens it next takes that.
      if (revision !== undefined) this.#copies.keep({ ...row, packs, revision });
    });
  }

  /** Removes working copies until the others fit. Never in the turn of one of them. */
  async #removeSurplus(): Promise<void> {
    for (let name = this.#copies.surplus(); name !== undefined; name = this.#copies.surplus()) {
      const surplus = name;
      await this.#turns.run(surplus, async () => {
        if (this.#copies.surplus() === surplus) await this.#copies.remove(surplus);
      });
    }
  }
}

interface OpenedParts {
  readonly name: string;
  readonly path: string;
  readonly state: RepositoryState;
  readonly row: Row | undefined;
}

/** Whether a folder is still there: that of a repository which was removed is not. */
async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function hasPacks(path: string, { packs }: Row): Promise<boolean> {
  const present = new Set((await packsIn(join(path, "objects"))).map(({ id }) => id));
  return packs.every(({ id }) => present.has(id));
}

function keptOf(row: Row): KeptRepository {
  const { name, refs, updatedAt } = row;
  const state = stateOf(row);
  const head = refs[branchRef(state.branch)];
  return { name, state, updatedAt, ...(head && { head }) };
}
