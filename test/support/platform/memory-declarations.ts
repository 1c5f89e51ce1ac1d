import { isDeepStrictEqual } from "node:util";
import {
  checkDeclarationName,
  type DeclarationKinds,
  type DeclarationListener,
  type DeclarationPage,
  type Declarations,
  type Declared,
  type NewSpec,
  notify,
  pluralOf,
  preconditionFailed,
  type Removal,
  specText,
} from "../../../platform/declarations.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";

export interface MemoryDeclarationsOptions {
  readonly kinds: DeclarationKinds;
  readonly print?: (line: string) => void;
  readonly throwIfOver: () => void;
}

/** Declarations in memory, for the fake platform. */
export class MemoryDeclarations implements Declarations {
  readonly #options: MemoryDeclarationsOptions;
  readonly #specs = new Map<string, Map<string, Declared>>();
  readonly #listeners = new Set<{ kind: string; listener: DeclarationListener }>();
  #revisions = 0;

  constructor(options: MemoryDeclarationsOptions) {
    this.#options = options;
  }

  async put(kind: string, name: string, { spec, ifRevision }: NewSpec): Promise<Declared> {
    const before = this.#before(kind, name, ifRevision);
    const copy = JSON.parse(specText(limitsFromEnv({}), spec)) as Declared["spec"];
    if (before && isDeepStrictEqual(before.spec, copy)) return before;
    const [revision, updatedAt] = [String(++this.#revisions), new Date()];
    const createdAt = before?.createdAt ?? updatedAt;
    const declared = { kind, name, revision, spec: copy, createdAt, updatedAt };
    this.#of(kind).set(name, declared);
    this.#notify(declared, declared);
    return declared;
  }

  async get(kind: string, name: string): Promise<Declared | undefined> {
    return this.#before(kind, name);
  }

  async list(kind: string, { after = "", limit }: DeclarationPage) {
    const rest = [...this.#of(kind).values()].filter(({ name }) => name > after);
    return rest.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
  }

  async remove(kind: string, name: string, options: Removal = {}) {
    const before = this.#before(kind, name, options.ifRevision);
    if (!this.#of(kind).delete(name)) return false;
    this.#notify(before!, undefined);
    return true;
  }

  watch(kind: string, listener: DeclarationListener): () => void {
    const all = this.#of(kind);
    const watching = { kind, listener };
    let isStopped = false;
    queueMicrotask(() => {
      if (isStopped) return;
      this.#listeners.add(watching);
      for (const each of all.values()) if (!isStopped) this.#call(watching, each, each);
    });
    return () => {
      isStopped = true;
      this.#listeners.delete(watching);
    };
  }

  #before(kind: string, name: string, ifRevision?: string | null): Declared | undefined {
    const all = this.#of(kind);
    checkDeclarationName(kind, name);
    const before = all.get(name);
    const isAllowed = ifRevision === undefined || ifRevision === (before?.revision ?? null);
    if (isAllowed) return before;
    throw preconditionFailed(`${kind} "${name}"`, ifRevision);
  }

  #of(kind: string): Map<string, Declared> {
    this.#options.throwIfOver();
    pluralOf(this.#options.kinds, kind);
    const all = this.#specs.get(kind) ?? new Map<string, Declared>();
    this.#specs.set(kind, all);
    return all;
  }

  #notify({ kind, name }: Declared, declared: Declared | undefined): void {
    for (const each of this.#listeners) if (each.kind === kind) this.#call(each, { name }, declared);
  }

  #call(
    { kind, listener }: { kind: string; listener: DeclarationListener },
    { name }: { name: string },
    declared: Declared | undefined,
  ): void {
    notify(listener, { kind, name, declared }, this.#options.print ?? (() => {}));
  }
}
