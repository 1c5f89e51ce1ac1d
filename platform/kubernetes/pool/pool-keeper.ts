import type { KubeApi } from "../cluster/api.ts";
import { delay, Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type Deployment, KINDS, type Pod } from "../cluster/resources.ts";
import { covers } from "../objects/children.ts";
import { LABELS, POOL_NAME, POOL_SEED_NAME } from "../objects/names.ts";
import { type PoolManifestOptions, poolDeploymentManifest, poolSecretManifest } from "./pool-manifests.ts";
import { UselessPods } from "./useless-pods.ts";

export interface PoolKeeperOptions extends PoolManifestOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes;
  /** How often it looks; default 1 s. */
  readonly everyMs?: number;
  /** Age at which a claim is one whose manager or router died in the middle; default 60 s. */
  readonly claimMs?: number;
  /**
   * How long a free pod is left alone whose container was started again; default 10 s. Where all pods break, no more are
   * made than that lets through.
   */
  readonly keylessMs?: number;
}

const EVERY_MS = 1_000;
const APPLY_EVERY_MS = 60_000;
const CLAIM_MS = 60_000;
const KEYLESS_MS = 10_000;

/** Keeps the pool as it should be, and deletes what came out of it and went nowhere; the leader runs it. */
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
      onChange: () => {},
      onTrouble: (reason) => print(`the pool cannot be watched: ${reason}`),
      ...(times ? { times } : {}),
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
      // What was given up may take calls still: it goes also where the pool cannot be made as it should be.
      for (const work of [() => this.#keep(), () => this.#sweep()]) {
        await work().catch((error: Error) => {
          if (!signal.aborted) print(`the pool cannot be looked after: ${error.message}`);
        });
      }
      await delay(everyMs, signal);
    }
  }

  async #keep(): Promise<void> {
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
        // The selector of a Deployment cannot be changed (Kubernetes API, apps/v1): one of an older Skiff makes room.
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
