import type { Declarations, Declared } from "../../platform/declarations.ts";
import { followDeclarations } from "../../platform/events/follow-declarations.ts";
import type { FlowDefinition } from "../../platform/flows/definition/definition.ts";
import { FLOW_KIND } from "../../platform/flows/kinds.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import type { FlowVersions } from "../../store/flows/runs.ts";
import { readFlow } from "../read-flow.ts";

/** A declared flow with its last valid definition. */
export interface Flow {
  readonly name: string;
  readonly version: number;
  readonly definition: FlowDefinition;
  /** Names of the functions that its steps call without a version. */
  readonly functions: readonly string[];
}

export interface FlowTableOptions {
  readonly declarations: Pick<Declarations, "get" | "list" | "watch">;
  readonly versions: FlowVersions;
  readonly limits: Limits;
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** Called after a change of a flow; without a flow if it is not declared any more, or never had a valid definition. */
  readonly onChange?: (name: string, flow: Flow | undefined) => void;
}

interface Known {
  /** Of the declaration that was read last. */
  readonly revision: string;
  readonly flow: Flow | undefined;
  readonly fault?: string;
  /** A later declaration that could not be read, because the store was away. */
  readonly unread?: { readonly declared: Declared; readonly error: unknown };
}

/** Most declarations that are fetched at a time. */
const MOST_FETCHES = 4;

/**
 * The declared flows, in memory. When somebody applies a text that is not valid, the last valid one stays in force. A text that was
 * applied past the API gets its version number here.
 */
export class FlowTable {
  readonly #options: FlowTableOptions;
  readonly #known = new Map<string, Known>();
  /** Readings under way by name: one after the other. */
  readonly #readings = new Map<string, Promise<void>>();
  /** By name. */
  readonly #fetches = new Map<string, Promise<void>>();
  #followed: ReturnType<typeof followDeclarations> | undefined;

  constructor(options: FlowTableOptions) {
    this.#options = options;
  }

  /** Begins to follow the declarations. Resolves when those that exist were read; after 10 s with what is there. */
  async open(): Promise<void> {
    const { declarations, print } = this.#options;
    this.#followed = followDeclarations(declarations, FLOW_KIND, (name, declared) =>
      this.#changed(name, declared),
    );
    const reason = await this.#followed.loaded;
    if (reason !== undefined) print(`not all flows could be read: ${reason}`);
    await Promise.all(this.#readings.values());
  }

  /** The flow as this program knows it. */
  get(name: string): Flow | undefined {
    return this.#known.get(name)?.flow;
  }

  flows(): readonly Flow[] {
    return [...this.#known.values()].flatMap(({ flow }) => flow ?? []);
  }

  /**
   * Returns the flow, also if it was declared a moment ago and is being read.
   * @throws Problem `unknown_flow`; `invalid_flow` if it never had a valid definition; `store_unavailable`
   */
  async find(name: string): Promise<Flow> {
    await this.#readings.get(name);
    const unread = this.#known.get(name)?.unread;
    if (unread !== undefined) await this.#changed(name, unread.declared);
    const known = this.#known.get(name) ?? (await this.#fetched(name));
    if (known?.unread !== undefined) throw known.unread.error;
    if (known?.flow !== undefined) return known.flow;
    const shown = name.slice(0, 80);
    if (known === undefined)
      throw new Problem("unknown_flow", `There is no flow "${shown}": PUT /flow/${shown} stores one.`);
    throw new Problem("invalid_flow", `The flow "${shown}" cannot run: ${known.fault}`);
  }

  close(): void {
    this.#followed?.close();
  }

  /** A watch may be late. Requests for names that nobody declared must not become as many requests to a cluster. */
  async #fetched(name: string): Promise<Known | undefined> {
    const fetching = this.#fetches.get(name);
    if (fetching === undefined && this.#fetches.size >= MOST_FETCHES) return undefined;
    const fetch = fetching ?? this.#fetch(name).finally(() => this.#fetches.delete(name));
    this.#fetches.set(name, fetch);
    await fetch;
    return this.#known.get(name);
  }

  async #fetch(name: string): Promise<void> {
    try {
      const declared = await this.#options.declarations.get(FLOW_KIND, name);
      if (declared !== undefined) await this.#changed(name, declared);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "invalid_name")) throw error;
    }
  }

  #changed(name: string, declared: Declared | undefined): Promise<void> {
    const before = this.#readings.get(name);
    const reading = (async () => {
      await before;
      await this.#read(name, declared);
    })().finally(() => {
      if (this.#readings.get(name) === reading) this.#readings.delete(name);
    });
    this.#readings.set(name, reading);
    return reading;
  }

  /** Never rejects. */
  async #read(name: string, declared: Declared | undefined): Promise<void> {
    const { print, onChange } = this.#options;
    const before = this.#known.get(name);
    if (declared === undefined) {
      this.#known.delete(name);
      if (before !== undefined) onChange?.(name, undefined);
      return;
    }
    const { revision } = declared;
    if (before?.revision === revision && before.unread === undefined) return;
    try {
      const read = await this.#definitionOf(declared);
      if (typeof read === "string") {
        print(`the new text of the flow ${name} has no effect: ${read}`);
        this.#known.set(name, { revision, flow: before?.flow, fault: read });
      } else {
        this.#known.set(name, { revision, flow: read });
      }
    } catch (error) {
      // Read again when somebody asks for it.
      print(`the flow ${name} cannot be read: ${(error as Error).message}`);
      this.#known.set(name, {
        ...{ revision: "", flow: undefined, ...before },
        unread: { declared, error },
      });
    }
    onChange?.(name, this.#known.get(name)?.flow);
  }

  /** Returns the flow, or what is wrong with it. */
  async #definitionOf({ name, spec }: Declared): Promise<Flow | string> {
    const read = await readFlow({ name, spec }, this.#options);
    if ("faults" in read) {
      const [{ line, column, message }] = read.faults as [(typeof read.faults)[number]];
      return `line ${line}, column ${column}: ${message}`;
    }
    const { version, definition } = read;
    return { name, version, definition, functions: functionsOf(definition) };
  }
}

function functionsOf({ steps, finally: last }: FlowDefinition): string[] {
  const names = [...Object.values(steps), ...Object.values(last)].flatMap(({ action }) =>
    action.kind === "fn" && action.version === undefined ? [action.function] : [],
  );
  return [...new Set(names)];
}
