import type { Limits } from "../../limits.ts";
import type { Traffic } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { Settings } from "../../settings.ts";
import { checkTraffic, currentVersion, shareOf } from "../../traffic.ts";
import type { JsonOperation, KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { type Deployment, type FunctionResource, type FunctionSpec, KINDS } from "../cluster/resources.ts";
import { isSameTraffic } from "../endpoints/endpoints.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import type { Children } from "../objects/children.ts";
import { inlineSourceHash, keptVersions, specOf, trafficOf } from "../objects/function-resource.ts";
import { ANNOTATIONS, versionName } from "../objects/names.ts";
import type { Starter } from "../starting/starter.ts";
import type { VersionStore } from "../versions/version-store.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { annotationPath, functionPlace, ownMark, type PublishTurns, type Turn } from "./publish-turns.ts";

const TRIES = 4;

export interface RoutingOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  readonly turns: PublishTurns;
  readonly versions: VersionStore;
  readonly starter: Starter;
  readonly children: Children;
  readonly onTrouble: (reason: string) => void;
  /** Waits until every router obeys the traffic. */
  readonly spread?: (name: string, traffic: Traffic) => Promise<void>;
}

/** Sends the calls of functions to versions. */
export class Routing {
  readonly #options: RoutingOptions;

  constructor(options: RoutingOptions) {
    this.#options = options;
  }

  /**
   * Nothing is changed until the write of `spec`, and nothing fails after it: the leader completes what a manager leaves
   * undone that dies then.
   * @throws Problem `invalid_request`, `unknown_function`, `unknown_version`, `start_failed`, `too_many_waiting`; ApiError,
   * ApiUnreachable; the signal's reason
   */
  async route(name: string, wanted: Traffic, signal: AbortSignal): Promise<void> {
    const { turns, limits, onTrouble } = this.#options;
    const traffic = normalized(checkTraffic(wanted));
    const turn = turns.resume(name) ?? (await turns.begin(name, { signal }));
    try {
      const before = trafficOf(turn.resource, keptVersions(turn.resource, limits));
      const records = await this.#records(turn, traffic);
      await this.#prepare({ turn, traffic, before, records }, signal);
      signal.throwIfAborted();
      await this.#write(turn, { traffic, records });
      await this.#spread(name, traffic).catch((error: Error) => {
        onTrouble(`${name}: not every router could be asked whether it obeys: ${error.message}`);
      });
      await this.#drain(turn, { traffic, before });
    } finally {
      turns.end(turn);
    }
  }

  async #records(turn: Turn, traffic: Traffic): Promise<readonly VersionRecord[]> {
    const { versions, limits } = this.#options;
    const { name } = turn.owner;
    turn.records ??= await versions.records(name);
    const kept = keptVersions(turn.resource, limits);
    return traffic.map(({ version }) => {
      const record = turn.records!.find((each) => each.version === version);
      if (record && kept.some((each) => each.version === version)) return record;
      throw new Problem("unknown_version", `The function "${name}" has no version ${version}.`);
    });
  }

  /** Starts the instances that the versions need before calls change over. */
  async #prepare({ turn, traffic, before, records }: Change, signal: AbortSignal): Promise<void> {
    const { endpoints, starter } = this.#options;
    const { owner, stored } = turn;
    const ready = (version: number) => endpoints.ready(owner.name, version);
    const serving = before.reduce((sum, { version }) => sum + ready(version).length, 0);
    const failed = new AbortController();
    const work = records.map(async (record) => {
      const { version } = record;
      const count = neededInstances(record.settings, serving * shareOf(traffic, version));
      const isStored = version === stored?.version;
      // `store` has brought up one instance, and the autoscaler keeps one.
      if (isStored && count === 1 && ready(version).length > 0) return undefined;
      const isDraining = !isStored && before.every((share) => share.version !== version);
      const leaving = isDraining && (await this.#isStopped(owner.name, version)) ? ready(version) : [];
      const missing = Math.max(0, count - ready(version).length + leaving.length);
      const supplied = starter.supply({ owner, record, count: missing }, failed.signal);
      return await starter.start({ owner, record, count, leaving, takesCalls: true, supplied }, signal);
    });
    const started = await Promise.allSettled(work);
    const refusal = started.find((each) => each.status === "rejected");
    if (refusal) {
      failed.abort();
      throw refusal.reason;
    }
    for (const each of started) if (each.status === "fulfilled" && each.value) turn.cleanUps.push(each.value);
  }

  /** True if pods that are ready still are on their way out, because the version has lost its traffic just now. */
  async #isStopped(name: string, version: number): Promise<boolean> {
    const { api, namespace } = this.#options;
    const place = { kind: KINDS.deployments, namespace, name: versionName(name, version) };
    const deployment = await api.get<Deployment>(place);
    return (deployment?.spec.replicas ?? 0) === 0;
  }

  async #write(turn: Turn, { traffic, records }: Pick<Change, "traffic" | "records">): Promise<void> {
    const { api, namespace } = this.#options;
    const place = functionPlace(namespace, turn.owner.name);
    const current = records.find(({ version }) => version === currentVersion(traffic))!;
    const readAt = turn.resource.metadata.generation;
    for (let attempt = 1; ; attempt++) {
      const { resource } = turn;
      // An edit of the spec during this turn stays, and the leader deploys it afterwards.
      const isEdited = resource.metadata.generation !== readAt;
      const { traffic: _, ...spec } = isEdited ? resource.spec : specFor(resource.spec, current);
      try {
        turn.resource = await api.patchJson<FunctionResource>(place, [
          { op: "test", path: "/metadata/uid", value: turn.owner.uid },
          { op: "test", path: "/metadata/generation", value: resource.metadata.generation },
          ownMark(resource),
          { op: "add", path: "/spec", value: { ...spec, ...routed(traffic) } },
          ...this.#updated(turn),
        ]);
        return;
      } catch (error) {
        const isBehind = hasStatus(error, 422) || hasStatus(error, 404);
        if (!isBehind) throw error;
        const fresh = await api.get<FunctionResource>(place);
        if (fresh?.metadata.uid !== turn.owner.uid || fresh.metadata.deletionTimestamp !== undefined) {
          throw new Problem("unknown_function", `The function "${turn.owner.name}" was removed meanwhile.`);
        }
        if (attempt === TRIES) throw error;
        turn.resource = fresh;
      }
    }
  }

  #updated({ resource }: Turn): JsonOperation[] {
    if (resource.spec.version === undefined) return [];
    return [{ op: "add", path: annotationPath(ANNOTATIONS.updatedAt), value: new Date().toISOString() }];
  }

  /** Resolves when calls follow the traffic, everywhere. */
  async #spread(name: string, traffic: Traffic): Promise<void> {
    const { endpoints, spread } = this.#options;
    await endpoints.seen(name, () => isSameTraffic(endpoints.get(name)?.traffic ?? [], traffic));
    await spread?.(name, traffic);
  }

  /** Versions that have lost their traffic drain. Where this fails, the leader does the same later. */
  async #drain(turn: Turn, { traffic, before }: Pick<Change, "traffic" | "before">): Promise<void> {
    const { api, namespace, children, onTrouble } = this.#options;
    const { name, uid } = turn.owner;
    turn.cleanUps.push(async () => {
      const status = { ...functionPlace(namespace, name), subresource: "status" };
      await api.patch(status, { metadata: { uid }, status: { version: currentVersion(traffic) } });
    });
    const lost = before.filter(({ version }) => traffic.every((share) => share.version !== version));
    const drains = lost.map(async ({ version }) => {
      await children.scale({ name, version }, 0).catch((error: unknown) => {
        if (!hasStatus(error, 404)) throw error;
      });
    });
    for (const drained of await Promise.allSettled(drains)) {
      if (drained.status === "rejected") onTrouble(`${name}: ${(drained.reason as Error).message}`);
    }
  }
}

interface Change {
  readonly turn: Turn;
  readonly traffic: Traffic;
  readonly before: Traffic;
  /** Of the versions in `traffic`. */
  readonly records: readonly VersionRecord[];
}

/**
 * Instances that a version needs before calls change over.
 * @param share how many of the instances that serve now its calls need
 */
export function neededInstances({ min, max }: Pick<Settings, "min" | "max">, share: number): number {
  return Math.min(Math.max(1, min, Math.ceil(share)), Math.max(max, 1));
}

/** An inline source that is not the one of the version is older: what was deployed last counts. */
function specFor(spec: FunctionSpec, { settings, sourceHash }: VersionRecord): FunctionSpec {
  const isSame = inlineSourceHash(spec) === sourceHash;
  return { ...(isSame ? { source: spec.source! } : {}), ...specOf(settings) };
}

/** As `trafficOf` reads it back. */
function normalized(traffic: Traffic): Traffic {
  const [{ version } = { version: 0 }] = traffic;
  if (traffic.length === 1) return [{ version, weight: 1 }];
  return traffic.toSorted((a, b) => a.version - b.version);
}

function routed(traffic: Traffic): Pick<FunctionSpec, "version" | "traffic"> {
  return { version: currentVersion(traffic)!, ...(traffic.length > 1 ? { traffic } : {}) };
}
