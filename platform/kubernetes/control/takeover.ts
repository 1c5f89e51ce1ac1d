import type { Traffic } from "../../platform.ts";
import { type Deployment, KINDS } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import type { ControlOptions } from "./cluster-view.ts";

/** Routers of an older Skiff may wake its Deployments for this long: an upgrade replaces them within minutes. */
const FORMER_ROUTERS_MS = 120_000;

export interface TakeoverOptions extends ControlOptions {
  /** For tests; default two minutes. */
  readonly formerRoutersMs?: number;
}

/**
 * Replaces the objects of an older Skiff, which had one Deployment for all versions of a function. Its pods carry the label
 * of their version and take calls until the Deployment of that version has as many ready pods.
 */
export class Takeover {
  readonly #options: TakeoverOptions;
  readonly #startedMs = performance.now();

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** Returns the replicas of the former Deployment if it runs this version. */
  formerReplicas(name: string, version: number): number | undefined {
    const former = this.#former(name);
    return former && versionIn(former) === version ? (former.spec.replicas ?? 1) : undefined;
  }

  /** Does the next step. Returns the milliseconds until the next check, if one is needed. */
  async step(name: string, traffic: Traffic): Promise<number | undefined> {
    const { view, children, formerRoutersMs = FORMER_ROUTERS_MS } = this.#options;
    const former = this.#former(name);
    if (!former) return await this.#removeEgress(name);
    const version = versionIn(former);
    if (traffic.every((share) => share.version !== version)) return await this.#remove(name);
    const next = view.deployment(name, version);
    const [replicas, wanted] = [next?.spec.replicas ?? 1, former.spec.replicas ?? 1];
    if (!next || next.metadata.deletionTimestamp !== undefined) return undefined;
    if (replicas < wanted) {
      await children.scale({ name, version }, wanted);
      return undefined;
    }
    if (wanted === 0) {
      const leftMs = this.#startedMs + formerRoutersMs - performance.now();
      return leftMs > 0 ? leftMs : await this.#remove(name);
    }
    if ((next.status?.readyReplicas ?? 0) < (former.status?.readyReplicas ?? 0)) return undefined;
    return await this.#remove(name);
  }

  async #remove(name: string): Promise<undefined> {
    const { api, namespace, print } = this.#options;
    const former = formerName(name);
    await api.delete({ kind: KINDS.autoscalers, namespace, name: former }, "Background");
    await api.delete({ kind: KINDS.deployments, namespace, name: former }, "Background");
    print(`${name}: replaced the Deployment of an older Skiff by one for each version`);
  }

  /** Deletes the former NetworkPolicy after the last pod that it selects. */
  async #removeEgress(name: string): Promise<undefined> {
    const { api, namespace, view } = this.#options;
    const egress = `${name}-egress`;
    const policy = view.object(KINDS.networkPolicies, egress);
    if (!policy || policy.metadata.deletionTimestamp !== undefined) return;
    const isOfFormer = (owner: { name: string }) => owner.name.startsWith(`${formerName(name)}-`);
    if (view.pods(name).some(({ metadata }) => metadata.ownerReferences?.some(isOfFormer))) return;
    await api.delete({ kind: KINDS.networkPolicies, namespace, name: egress }, "Background");
  }

  #former(name: string): Deployment | undefined {
    const former = this.#options.view.object(KINDS.deployments, formerName(name)) as Deployment | undefined;
    return former?.metadata.deletionTimestamp === undefined ? former : undefined;
  }
}

function formerName(name: string): string {
  return `${name}-app`;
}

function versionIn({ spec }: Deployment): number {
  return Number(spec.template?.metadata?.labels?.[LABELS.version]);
}
