import type { RouteRules, Traffic } from "../../platform.ts";
import { checkPrecondition } from "../../precondition.ts";
import { Problem } from "../../problems.ts";
import type { Settings } from "../../settings/settings.ts";
import { checkTraffic, currentVersion, historyAfter, isSameTraffic, shareOf } from "../../traffic.ts";
import type { JsonOperation } from "../cluster/api.ts";
import { hasStatus, unlessStatus } from "../cluster/api-error.ts";
import { type Deployment, type FunctionResource, type FunctionSpec, KINDS } from "../cluster/resources.ts";
import type { Children } from "../objects/children.ts";
import {
  currentOf,
  functionPlace,
  historyOf,
  inlineSourceHash,
  keptVersions,
  rulesOf,
  specOf,
  trafficOf,
} from "../objects/function-resource.ts";
import { ANNOTATIONS, versionName } from "../objects/names.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { refresh, type Turn } from "./publish-turns.ts";
import type { StoringOptions } from "./storing.ts";
import { annotationPath, onlyWithMark } from "./turn-mark.ts";

const TRIES = 4;

export interface RoutingOptions extends Omit<StoringOptions, "pullSecrets"> {
  readonly children: Children;
  /** Waits until every router applies the traffic. */
  readonly spread?: ((name: string, traffic: Traffic) => Promise<void>) | undefined;
}

/** Changes the traffic of functions. */
export class Routing {
  readonly #options: RoutingOptions;

  constructor(options: RoutingOptions) {
    this.#options = options;
  }

  /**
   * Changes nothing before the write of `spec`, and fails at nothing after it. If the manager dies then, the leader
   * completes the change.
   * @throws Problem `invalid_request`, `unknown_function`, `unknown_version`, `start_failed`, `too_many_waiting`,
   * `precondition_failed`; ApiError, ApiUnreachable; the signal's reason
   */
  async route(
    name: string,
    { traffic: wanted, rules }: { readonly traffic: Traffic; readonly rules: RouteRules },
    signal: AbortSignal,
  ): Promise<void> {
    const { turns, limits, onTrouble } = this.#options;
    const traffic = normalized(checkTraffic(wanted));
    const turn = turns.resume(name) ?? (await turns.begin(name, { signal }));
    const until = AbortSignal.any([signal, turn.lost]);
    try {
      checkPrecondition(name, rules.expected, currentOf(turn.resource, limits));
      const before = trafficOf(turn.resource, keptVersions(turn.resource, limits));
      const records = await this.#records(turn, traffic);
      await this.#prepare({ turn, traffic, before, records }, until);
      until.throwIfAborted();
      await this.#write(turn, { traffic, rules, before, records });
      await this.#spread(name, traffic).catch((error: Error) => {
        onTrouble(`${name}: the traffic of every router could not be checked: ${error.message}`);
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

  /** Starts the instances that the versions need before they take calls. */
  async #prepare({ turn, traffic, before, records }: Preparation, signal: AbortSignal): Promise<void> {
    const { endpoints, starter } = this.#options;
    const { owner, stored } = turn;
    const ready = (version: number) => endpoints.ready(owner.name, version);
    const serving = before.reduce((sum, { version }) => sum + ready(version).length, 0);
    const failed = new AbortController();
    const work = records.map(async (record) => {
      const { version } = record;
      const count = neededInstances(record.settings, serving * shareOf(traffic, version));
      const isStored = version === stored?.version;
      // `store` has started one instance, and the autoscaler keeps one.
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

  /** Resolves with true if the ready pods are stopping, because the version has just lost its traffic. */
  async #isStopped(name: string, version: number): Promise<boolean> {
    const { api, namespace } = this.#options;
    const place = { kind: KINDS.deployments, namespace, name: versionName(name, version) };
    const deployment = await api.get<Deployment>(place);
    return (deployment?.spec.replicas ?? 0) === 0;
  }

  async #write(turn: Turn, { traffic, rules, before, records }: Change): Promise<void> {
    const { api, namespace } = this.#options;
    const place = functionPlace(namespace, turn.owner.name);
    const current = records.find(({ version }) => version === currentVersion(traffic))!;
    const readAt = turn.resource.metadata.generation;
    for (let attempt = 1; ; attempt++) {
      const { resource } = turn;
      // Keeps an edit of the spec during this turn; the leader deploys it afterwards.
      const isEdited = resource.metadata.generation !== readAt;
      const base = isEdited ? resource.spec : specFor(resource.spec, current);
      const { traffic: _, sticky: __, guard: ___, ...spec } = base;
      const { whole } = historyAfter(historyOf(resource, before), traffic);
      try {
        turn.resource = await api.patchJson<FunctionResource>(place, [
          { op: "test", path: "/metadata/uid", value: turn.owner.uid },
          { op: "test", path: "/metadata/generation", value: resource.metadata.generation },
          onlyWithMark(turn.by),
          { op: "add", path: "/spec", value: { ...spec, ...routed(traffic), ...rulesOf(rules) } },
          { op: "add", path: annotationPath(ANNOTATIONS.whole), value: JSON.stringify(whole) },
          ...this.#updated(turn),
        ]);
        return;
      } catch (error) {
        if (!hasStatus(error, 404, 422)) throw error;
        await refresh(turn, this.#options);
        if (attempt === TRIES) throw error;
      }
    }
  }

  #updated({ resource }: Turn): JsonOperation[] {
    if (resource.spec.version === undefined) return [];
    return [{ op: "add", path: annotationPath(ANNOTATIONS.updatedAt), value: new Date().toISOString() }];
  }

  /** Resolves when every router applies the traffic. */
  async #spread(name: string, traffic: Traffic): Promise<void> {
    const { endpoints, spread } = this.#options;
    await endpoints.seen(name, () => isSameTraffic(endpoints.get(name)?.traffic ?? [], traffic));
    await spread?.(name, traffic);
  }

  /** Drains the versions that have lost their traffic. After a failure the leader does the same later. */
  async #drain(turn: Turn, { traffic, before }: Pick<Change, "traffic" | "before">): Promise<void> {
    const { api, namespace, children, onTrouble } = this.#options;
    const { name } = turn.owner;
    turn.cleanUps.push(async () => {
      const status = { ...functionPlace(namespace, name), subresource: "status" };
      const version: JsonOperation = { op: "add", path: "/status/version", value: currentVersion(traffic) };
      await unlessStatus(api.patchJson(status, [onlyWithMark(turn.by), version]), 404, 422);
    });
    const lost = before.filter(({ version }) => traffic.every((share) => share.version !== version));
    const drains = lost.map(({ version }) => unlessStatus(children.scale({ name, version }, 0), 404));
    for (const drained of await Promise.allSettled(drains)) {
      if (drained.status === "rejected") onTrouble(`${name}: ${(drained.reason as Error).message}`);
    }
  }
}

interface Change {
  readonly traffic: Traffic;
  readonly rules: RouteRules;
  readonly before: Traffic;
  /** Records of the versions in `traffic`. */
  readonly records: readonly VersionRecord[];
}

interface Preparation extends Omit<Change, "rules"> {
  readonly turn: Turn;
}

/**
 * Returns the number of instances that a version needs before it takes calls.
 * @param share its part of the instances that serve now
 */
export function neededInstances({ min, max }: Pick<Settings, "min" | "max">, share: number): number {
  return Math.min(Math.max(1, min, Math.ceil(share)), Math.max(max, 1));
}

/** Drops an inline source that differs from the version's, because it is older. */
function specFor(spec: FunctionSpec, { settings, sourceHash }: VersionRecord): FunctionSpec {
  const { pinned } = spec;
  const isSame = inlineSourceHash(spec) === sourceHash;
  return {
    ...(isSame ? { source: spec.source! } : {}),
    ...(pinned === undefined ? {} : { pinned }),
    ...specOf(settings),
  };
}

/** Returns the traffic in the form that `trafficOf` returns. */
function normalized(traffic: Traffic): Traffic {
  const [{ version } = { version: 0 }] = traffic;
  if (traffic.length === 1) return [{ version, weight: 1 }];
  return traffic.toSorted((a, b) => a.version - b.version);
}

function routed(traffic: Traffic): Pick<FunctionSpec, "version" | "traffic"> {
  return { version: currentVersion(traffic)!, ...(traffic.length > 1 ? { traffic } : {}) };
}
