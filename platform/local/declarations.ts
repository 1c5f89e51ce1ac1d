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
} from "../declarations.ts";
import type { Limits } from "../limits.ts";
import type { DeclarationChange, DeclarationResult, DeclarationRow } from "./store/declaration-rows.ts";
import type { Store } from "./store/store.ts";

export interface LocalDeclarationsOptions {
  readonly store: Store;
  readonly kinds: DeclarationKinds;
  readonly limits: Limits;
  /** Aborted with the problem that callers get once the platform is closed. */
  readonly closing: AbortSignal;
  readonly print: (line: string) => void;
}

interface Watching {
  readonly kind: string;
  readonly listener: DeclarationListener;
}

/**
 * Declarations as rows of the store. No other process opens the file, so every change passes here. The store answers
 * in the order of the requests: a listener misses no change and gets none twice if it is added when its list arrives.
 */
export class LocalDeclarations implements Declarations {
  readonly #options: LocalDeclarationsOptions;
  readonly #watching = new Set<Watching>();

  constructor(options: LocalDeclarationsOptions) {
    this.#options = options;
  }

  async put(kind: string, name: string, { spec, ifRevision }: NewSpec): Promise<Declared> {
    this.#check(kind, name);
    const text = specText(this.#options.limits, spec);
    const { now } = await this.#change({ kind, name, spec: text, ifRevision, at: new Date() });
    return declaredOf(kind, now!);
  }

  async get(kind: string, name: string): Promise<Declared | undefined> {
    this.#check(kind, name);
    const row = await this.#options.store.declaration(kind, name);
    return row && declaredOf(kind, row);
  }

  async list(kind: string, page: DeclarationPage): Promise<Declared[]> {
    this.#check(kind);
    const rows = await this.#options.store.declarations(kind, page);
    return rows.map((row) => declaredOf(kind, row));
  }

  async remove(kind: string, name: string, { ifRevision }: Removal = {}): Promise<boolean> {
    this.#check(kind, name);
    const { before } = await this.#change({ kind, name, ifRevision, at: new Date() });
    return before !== undefined;
  }

  watch(kind: string, listener: DeclarationListener): () => void {
    this.#check(kind);
    const watching = { kind, listener };
    let isStopped = false;
    const begin = async () => {
      const rows = await this.#options.store.declarations(kind);
      if (isStopped) return;
      this.#watching.add(watching);
      for (const row of rows) if (!isStopped) this.#notify(watching, row.name, row);
    };
    begin().catch((error: Error) => {
      if (!this.#options.closing.aborted)
        this.#options.print(`declarations cannot be watched: ${error.message}`);
    });
    return () => {
      isStopped = true;
      this.#watching.delete(watching);
    };
  }

  async #change(change: DeclarationChange): Promise<DeclarationResult> {
    const { kind, name, ifRevision } = change;
    const result = await this.#options.store.declare(change);
    const { isAllowed, before, now, left } = result;
    if (left !== undefined) this.#options.print(left);
    if (!isAllowed) throw preconditionFailed(`${kind} "${name}"`, ifRevision!);
    if (now?.revision === before?.revision) return result;
    for (const each of this.#watching) if (each.kind === kind) this.#notify(each, name, now);
    return result;
  }

  #notify({ kind, listener }: Watching, name: string, row: DeclarationRow | undefined): void {
    notify(listener, { kind, name, declared: row && declaredOf(kind, row) }, this.#options.print);
  }

  #check(kind: string, name?: string): void {
    this.#options.closing.throwIfAborted();
    pluralOf(this.#options.kinds, kind);
    if (name !== undefined) checkDeclarationName(kind, name);
  }
}

function declaredOf(kind: string, { spec, ...row }: DeclarationRow): Declared {
  return { kind, ...row, spec: JSON.parse(spec) as Declared["spec"] };
}
