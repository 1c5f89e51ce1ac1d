import type { Limits } from "../../limits.ts";
import type { Artifact, Source } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Cluster } from "../cluster/api.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type Deployment, KINDS, type Kind, type Pod, type Resource } from "../cluster/resources.ts";
import type { KubernetesPlatform } from "../kubernetes-platform.ts";
import type { Children } from "../objects/children.ts";
import { LABELS, versionName } from "../objects/names.ts";
import { ObjectsByFunction } from "../objects/objects-by-function.ts";
import type { VersionStore } from "../versions/version-store.ts";

export interface ViewOptions extends Cluster {
  /** An object of this function was added, changed or deleted. */
  readonly onChange: (name: string) => void;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
}

/** Shared by the parts of the reconciler. */
export interface ControlOptions extends Cluster {
  readonly platform: KubernetesPlatform;
  readonly limits: Limits;
  readonly view: ClusterView;
  readonly children: Children;
  readonly versions: VersionStore;
  /** @throws Problem `build_failed`, `invalid_source` */
  readonly build: (source: Source, order: { settings: Settings; signal: AbortSignal }) => Promise<Artifact>;
  readonly print: (line: string) => void;
}

/** The leader's copy of the objects of all functions. */
export class ClusterView {
  readonly #options: ViewOptions;
  readonly #configMaps = new ObjectsByFunction<Resource>();
  readonly #deployments = new ObjectsByFunction<Deployment>();
  readonly #pods = new ObjectsByFunction<Pod>();
  readonly #mirrors = new Map<Kind, Mirror<Resource>>();

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#watch(KINDS.configMaps, this.#configMaps);
    this.#watch(KINDS.deployments, this.#deployments);
    this.#watch(KINDS.pods, this.#pods);
    for (const kind of [KINDS.services, KINDS.autoscalers, KINDS.networkPolicies]) {
      this.#watch(kind, new ObjectsByFunction<Resource>());
    }
  }

  get synced(): Promise<unknown> {
    return Promise.all([...this.#mirrors.values()].map((mirror) => mirror.synced));
  }

  object(kind: Kind, name: string): Resource | undefined {
    return this.#mirrors.get(kind)?.get(name);
  }

  deployment(name: string, version: number): Deployment | undefined {
    return this.object(KINDS.deployments, versionName(name, version)) as Deployment | undefined;
  }

  deployments(name: string): Deployment[] {
    return [...this.#deployments.of(name)];
  }

  pods(name: string): Pod[] {
    return [...this.#pods.of(name)];
  }

  /** Returns the ConfigMaps of a function's versions, without their content. */
  configMaps(name: string): Resource[] {
    return [...this.#configMaps.of(name)];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#mirrors.values()].map((mirror) => mirror.close()));
  }

  #watch<T extends Resource>(kind: Kind, objects: ObjectsByFunction<T>): void {
    const { api, namespace, onChange, print, times } = this.#options;
    const mirror = new Mirror<T>({
      api,
      place: { kind, namespace },
      labelSelector: LABELS.function,
      metadataOnly: kind === KINDS.configMaps,
      onTrouble: (reason) => print(`the cluster cannot be watched: ${reason}`),
      onChange: (key, object) => {
        const name = objects.set(key, object);
        if (name !== undefined) onChange(name);
      },
      times,
    });
    this.#mirrors.set(kind, mirror as unknown as Mirror<Resource>);
  }
}
