import { Mirror, type MirrorOptions } from "../cluster/mirror.ts";
import { KINDS, type ReplicaSet } from "../cluster/resources.ts";
import { LABELS, POOL_NAME } from "../objects/names.ts";

export interface SwitchOptions extends Pick<MirrorOptions<ReplicaSet>, "api" | "onTrouble" | "times"> {
  readonly namespace: string;
}

/**
 * Whether a pool is wanted at all. Only the leader is told (SKIFF_POOL); everybody else sees what makes its pods. Without
 * pods alone it could as well be empty.
 */
export class PoolSwitch {
  readonly #sets: Mirror<ReplicaSet>;

  constructor({ namespace, ...options }: SwitchOptions) {
    this.#sets = new Mirror<ReplicaSet>({
      ...options,
      place: { kind: KINDS.replicaSets, namespace },
      labelSelector: `${LABELS.app}=${POOL_NAME}`,
      onChange: () => {},
    });
  }

  get synced(): Promise<void> {
    return this.#sets.synced;
  }

  /** False as long as it is not known. */
  get isOff(): boolean {
    return this.#sets.isSynced && ![...this.#sets.values()].some(({ spec }) => (spec.replicas ?? 0) > 0);
  }

  async close(): Promise<void> {
    await this.#sets.close();
  }
}
