import { randomBytes } from "node:crypto";
import type { AllowedImages } from "../../images/allowed-images.ts";
import type { ImageSource, Images, ResolveOptions } from "../../images/images.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { clusterProblem } from "../cluster/api-error.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { condition } from "../objects/pod-state.ts";
import { type CheckResult, checkPod, checkResult } from "./image-check.ts";
import type { PullSecrets } from "./pull-secrets.ts";

const NO_CAPACITY_RETRY_S = 10;

export interface ClusterImagesOptions extends Cluster {
  readonly allowed: AllowedImages;
  readonly pullSecrets: PullSecrets;
  readonly limits: Pick<Limits, "pullMs" | "instanceWaitMs">;
  readonly closing: AbortSignal;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
}

/** Resolves images on a node of the cluster: that one pulls it, with its credentials and its registries. */
export class ClusterImages implements Images {
  readonly #options: ClusterImagesOptions;
  readonly #checks = new Set<Promise<unknown>>();

  constructor(options: ClusterImagesOptions) {
    this.#options = options;
  }

  async resolve(image: string, { pullSecret, signal }: ResolveOptions): Promise<ImageSource> {
    const { allowed, closing } = this.#options;
    allowed.check(image);
    const until = AbortSignal.any([signal, closing]);
    until.throwIfAborted();
    const check = this.#check(image, { pullSecret, signal: until });
    this.#checks.add(check);
    try {
      return await check;
    } catch (error) {
      until.throwIfAborted();
      throw clusterProblem(error);
    } finally {
      this.#checks.delete(check);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#checks);
  }

  async #check(image: string, { pullSecret: secret, signal }: ResolveOptions): Promise<ImageSource> {
    const { api, namespace, limits, pullSecrets } = this.#options;
    const name = `skiff-image-${randomBytes(8).toString("hex")}`;
    const pullSecret = secret ? `${name}-pull` : undefined;
    const place = { kind: KINDS.pods, namespace };
    try {
      if (secret && pullSecret) {
        await pullSecrets.create(pullSecret, { image, secret, labels: { [LABELS.imageCheck]: name } });
      }
      const { pullMs } = limits;
      await api.create(place, checkPod(name, image, { namespace, pullMs, pullSecret }), { signal });
      const result = await this.#result(name, image, signal);
      if ("problem" in result) throw result.problem;
      return result.source;
    } finally {
      await this.#remove(name, pullSecret);
    }
  }

  async #result(name: string, image: string, signal: AbortSignal): Promise<CheckResult> {
    const { api, namespace, limits, print, times } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
    let isScheduled = false;
    const pods = new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.imageCheck}=${name}`,
      onChange: (_, pod) => {
        if (!pod) return reject(this.#late(image, limits.pullMs));
        isScheduled ||= condition(pod, "PodScheduled")?.status === "True";
        const result = checkResult(image, pod);
        if (result) resolve(result);
      },
      onTrouble: (reason) => print(`the pull of ${image} cannot be watched: ${reason}`),
      times,
    });
    const late = setTimeout(() => reject(this.#late(image, limits.pullMs)), limits.pullMs);
    const unscheduled = setTimeout(() => {
      if (!isScheduled) reject(this.#noNode(limits.instanceWaitMs));
    }, limits.instanceWaitMs);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      clearTimeout(unscheduled);
      signal.removeEventListener("abort", abort);
      await pods.close();
    }
  }

  #late(image: string, pullMs: number): Problem {
    const detail = `The image ${image} was not pulled within ${pullMs / 1_000} s: use an image that the nodes have, or raise SKIFF_PULL_TIMEOUT.`;
    return new Problem("image_unavailable", detail, { reason: "timeout", setting: "SKIFF_PULL_TIMEOUT" });
  }

  #noNode(waitMs: number): Problem {
    const detail = `No node took the pod that pulls the image within ${waitMs / 1_000} s.`;
    return new Problem("no_capacity", detail, { retryAfterS: NO_CAPACITY_RETRY_S });
  }

  async #remove(name: string, pullSecret: string | undefined): Promise<void> {
    const { api, namespace, pullSecrets, print } = this.#options;
    try {
      await api.delete({ kind: KINDS.pods, namespace, name }, "Background");
      if (pullSecret !== undefined) await pullSecrets.remove(pullSecret);
    } catch (error) {
      print(`the pod ${name} stays until it is swept: ${(error as Error).message}`);
    }
  }
}
