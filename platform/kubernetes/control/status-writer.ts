import type { DeclarationKinds, Declared } from "../../declarations.ts";
import type { Verdict } from "../../events/verdict.ts";
import type { Cluster } from "../cluster/api.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import { delay, Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import type { Condition } from "../cluster/resources.ts";
import { type DeclaredResource, declarationKind, declaredOf } from "../declarations.ts";

/** Returns what the statuses of these declarations should show now, in their order. */
export type Judge = (declarations: readonly Declared[]) => Promise<readonly Verdict[]>;

export interface StatusWriterOptions extends Cluster {
  readonly kinds: DeclarationKinds;
  readonly judge: Judge;
  readonly print: (line: string) => void;
  readonly times?: (MirrorTimes & { readonly everyMs: number }) | undefined;
}

interface Shown extends DeclaredResource {
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** Time between two statuses of an object whose spec stays the same, in milliseconds. */
const EVERY_MS = 5_000;
/** Objects that are applied together are judged together. */
const TOGETHER_MS = 100;
const MESSAGE_LENGTH = 2_000;

/**
 * Keeps the statuses of declarations up to date, for `kubectl get`. The leader runs it. It writes what changed: after a
 * change of the spec at once, otherwise every five seconds at most.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #mirrors: readonly (readonly [kind: string, mirror: Mirror<Shown>])[];
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Aborts when an object is new or has a new spec. */
  #news = new AbortController();
  #trouble: string | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const { api, namespace, kinds, print, times } = options;
    this.#mirrors = Object.entries(kinds).map(([kind, plural]) => {
      const mirror = new Mirror<Shown>({
        api,
        place: { kind: declarationKind(plural), namespace },
        onChange: (_, resource) => {
          if (resource !== undefined && isNews(resource)) this.#news.abort();
        },
        onTrouble: (reason) => print(`statuses are not up to date: ${reason}`),
        times,
      });
      return [kind, mirror];
    });
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await Promise.all(this.#mirrors.map(([, mirror]) => mirror.close()));
  }

  async #run(): Promise<void> {
    const { print, times } = this.#options;
    const { signal } = this.#closing;
    const everyMs = times?.everyMs ?? EVERY_MS;
    let nextMs = performance.now();
    while (!signal.aborted) {
      const isDue = performance.now() >= nextMs;
      if (isDue) nextMs = performance.now() + everyMs;
      try {
        await this.#write(isDue ? () => true : isNews);
        this.#trouble = undefined;
      } catch (error) {
        const reason = (error as Error).message;
        if (!signal.aborted && this.#trouble !== reason) print(`statuses are not up to date: ${reason}`);
        this.#trouble = reason;
      }
      const woken = AbortSignal.any([signal, this.#news.signal]);
      await delay(Math.max(0, nextMs - performance.now()), woken);
      await delay(Math.min(TOGETHER_MS, everyMs), signal);
      this.#news = new AbortController();
    }
  }

  async #write(isWanted: (resource: Shown) => boolean): Promise<void> {
    const { api, namespace, kinds, judge } = this.#options;
    const all = this.#mirrors.flatMap(([kind, mirror]) =>
      [...mirror.values()].map((resource) => ({ kind, resource })),
    );
    if (!all.some(({ resource }) => isWanted(resource))) return;
    const verdicts = await judge(all.map(({ kind, resource }) => declaredOf(kind, resource)));
    for (const [index, { kind, resource }] of all.entries()) {
      if (this.#closing.signal.aborted) return;
      if (!isWanted(resource)) continue;
      const status = statusPatch(resource, verdicts[index]!, new Date());
      if (status === undefined) continue;
      const { name } = resource.metadata;
      const place = { kind: declarationKind(kinds[kind]!), namespace, name, subresource: "status" };
      // It may be removed by now.
      await unlessStatus(api.patch(place, { status }, { signal: this.#closing.signal }), 404);
    }
  }
}

function isNews({ metadata, status }: Shown): boolean {
  return status?.observedGeneration !== metadata.generation;
}

/** Returns a merge patch of the status; undefined if nothing changes. The time of the condition changes with its status. */
function statusPatch({ metadata, status = {} }: Shown, verdict: Verdict, now: Date) {
  const { isReady, reason, figures } = verdict;
  const message = verdict.message.slice(0, MESSAGE_LENGTH);
  const before = status.conditions?.find(({ type }) => type === "Ready");
  const said = isReady ? "True" : "False";
  const isSaid = before?.status === said && before.reason === reason && before.message === message;
  const isSame = Object.entries(figures).every(([name, value]) => status[name] === value);
  const { generation: observedGeneration } = metadata;
  if (isSaid && isSame && status.observedGeneration === observedGeneration) return undefined;
  const since = before?.status === said ? before.lastTransitionTime : undefined;
  // Times in Kubernetes' objects have no fractions.
  const lastTransitionTime = since ?? `${now.toISOString().slice(0, 19)}Z`;
  const condition = { type: "Ready", status: said, reason, message, lastTransitionTime, observedGeneration };
  // A merge patch removes what is null.
  const values = Object.entries(figures).map(([name, value]) => [name, value ?? null]);
  return { ...Object.fromEntries(values), observedGeneration, conditions: [condition] };
}
