import type { Cluster } from "../cluster/api.ts";
import { delay, Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type Deployment, KINDS, type Pod } from "../cluster/resources.ts";
import { covers } from "../objects/children.ts";
import { LABELS, POOL_NAME, POOL_SEED_NAME } from "../objects/names.ts";
import { type PoolManifestOptions, poolDeploymentManifest, poolSecretManifest } from "./pool-manifests.ts";
import { UselessPods } from "./useless-pods.ts";

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
      const manifest = poolDeploymentManifest(this.#options);
      const live = await api.get<Deployment>(deployment);
      if (!covers(live, manifest)) {
        // The selector of a Deployment is immutable (Kubernetes API, apps/v1): delete one of an older Skiff.
        if (live && !covers(live.spec, selectorOf(manifest))) await api.delete(deployment, "Background");
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

function selectorOf(manifest: object): object {
  const { selector } = (manifest as { spec: { selector: object } }).spec;
  return { selector };
}
