import type { Cluster } from "../cluster/api.ts";
import { delay, Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type Deployment, KINDS, type Pod } from "../cluster/resources.ts";
import { covers } from "../objects/children.ts";
import { CONTAINER, LABELS, POOL_NAME, POOL_SEED_NAME } from "../objects/names.ts";
import { isReady, isTerminating } from "../objects/pod-state.ts";
import { type PoolManifestOptions, poolDeploymentManifest, poolSecretManifest } from "./pool-manifests.ts";

export interface PoolKeeperOptions extends PoolManifestOptions, Cluster {
  readonly namespace: string;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
  /** Interval of the checks; default 1 s. */
  readonly everyMs?: number;
  /** Age at which a claim is abandoned, because its manager or router died; default 60 s. */
  readonly claimMs?: number;
  /**
   * Time for which a free pod with a restarted container is kept; default 10 s. It limits the rate of new pods when all
   * pods crash.
   */
  readonly keylessMs?: number;
}

const EVERY_MS = 1_000;
const APPLY_EVERY_MS = 60_000;
const CLAIM_MS = 60_000;
const KEYLESS_MS = 10_000;

/** States of a pod that left the pool and was not adopted. */
const UNFINISHED = new Set(["claimed", "loaded", "spent"]);

const GIVEN_UP = "it was claimed for a function and not used";
const KEYLESS = "its container restarted before it had a function, and its key is gone";

type Ages = Required<Pick<PoolKeeperOptions, "claimMs" | "keylessMs">>;

/** Applies the Deployment of the pool, and deletes useless pods. The leader runs it. */
export class PoolKeeper {
  readonly #options: PoolKeeperOptions;
  readonly #pods: Mirror<Pod>;
  readonly #useless: UselessPods;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #appliedMs: number | undefined;

  constructor(options: PoolKeeperOptions) {
    this.#options = options;
    const { api, namespace, print, times, claimMs = CLAIM_MS, keylessMs = KEYLESS_MS } = options;
    this.#useless = new UselessPods({ claimMs, keylessMs });
    this.#pods = new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: LABELS.pool,
      onTrouble: (reason) => print(`the pool cannot be watched: ${reason}`),
      times,
    });
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#pods.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { print, everyMs = EVERY_MS } = this.#options;
    while (!signal.aborted) {
      // A useless pod may still take calls, so it is deleted even if the Deployment cannot be applied.
      for (const work of [() => this.#apply(), () => this.#sweep()]) {
        await work().catch((error: Error) => {
          if (!signal.aborted) print(`the pool cannot be maintained: ${error.message}`);
        });
      }
      await delay(everyMs, signal);
    }
  }

  async #apply(): Promise<void> {
    const nowMs = performance.now();
    if (this.#appliedMs !== undefined && nowMs - this.#appliedMs < APPLY_EVERY_MS) return;
    const { api, namespace, keys, size } = this.#options;
    const deployment = { kind: KINDS.deployments, namespace, name: POOL_NAME };
    if (size === 0) {
      await api.delete(deployment, "Background");
    } else {
      const secret = { kind: KINDS.secrets, namespace, name: POOL_SEED_NAME };
      await api.apply(secret, poolSecretManifest(keys, namespace));
      const manifest = poolDeploymentManifest(this.#options) as Deployment & { spec: { selector: object } };
      const { selector } = manifest.spec;
      const live = await api.get<Deployment>(deployment);
      if (!covers(live, manifest)) {
        // The selector of a Deployment is immutable (Kubernetes API, apps/v1): delete one of an older Skiff.
        if (live && !covers(live.spec, { selector })) await api.delete(deployment, "Background");
        await api.apply(deployment, manifest);
      }
    }
    this.#appliedMs = nowMs;
  }

  async #sweep(): Promise<void> {
    const { api, namespace, print } = this.#options;
    for (const { pod, why } of this.#useless.among(this.#pods.values(), performance.now())) {
      const { name } = pod.metadata;
      await api.delete({ kind: KINDS.pods, namespace, name }, "Background");
      print(`deleted the pod ${name} of the pool: ${why}`);
    }
  }
}

/**
 * Finds pods that nobody can use. Ages count from the first observation by this program, because the clock of the
 * claiming program may be wrong. A new leader counts from zero, so that a claim lasts longer and never shorter.
 */
export class UselessPods {
  readonly #options: Ages;
  /** Time of the first observation, by uid and reason. */
  #sinceMs: ReadonlyMap<string, number> = new Map();

  constructor(options: Ages) {
    this.#options = options;
  }

  /** Returns the useless ones of all pods. `nowMs` is monotonic. */
  among(pods: Iterable<Pod>, nowMs: number): { pod: Pod; why: string }[] {
    const sinceMs = new Map<string, number>();
    const useless: { pod: Pod; why: string }[] = [];
    for (const pod of pods) {
      const found = this.#reason(pod);
      if (!found) continue;
      const { why, mostMs } = found;
      const id = `${pod.metadata.uid} ${why}`;
      const firstMs = this.#sinceMs.get(id) ?? nowMs;
      sinceMs.set(id, firstMs);
      if (mostMs === 0 || nowMs - firstMs > mostMs) useless.push({ pod, why });
    }
    this.#sinceMs = sinceMs;
    return useless;
  }

  #reason(pod: Pod): { why: string; mostMs: number } | undefined {
    if (isTerminating(pod)) return undefined;
    const { claimMs, keylessMs } = this.#options;
    const state = pod.metadata.labels?.[LABELS.pool] ?? "";
    if (UNFINISHED.has(state)) return { why: GIVEN_UP, mostMs: state === "spent" ? 0 : claimMs };
    return state === "free" && isKeyless(pod) ? { why: KEYLESS, mostMs: keylessMs } : undefined;
  }
}

/** A process reads the key once, and a pod without a key is never ready. Only a restart of the whole pod renews the key. */
function isKeyless(pod: Pod): boolean {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return (status?.restartCount ?? 0) > 0 && !isReady(pod);
}
