import { createHash, randomBytes } from "node:crypto";
import type { CommandOrder, Commands, RunningCommand } from "../../images/commands.ts";
import { HOST_IMAGE } from "../../images/image-reference.ts";
import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { clusterProblem } from "../cluster/api-error.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { KINDS, type Kind, type Pod, type Resource } from "../cluster/resources.ts";
import type { PullSecrets } from "../images/pull-secrets.ts";
import { LABELS } from "../objects/names.ts";
import type { JobOptions } from "./command-job.ts";
import { CommandRun } from "./command-run.ts";

/** Label that the Job controller gives pods. */
const JOB_NAME = "batch.kubernetes.io/job-name";

/** A program that runs commands. Its leftovers are found by its name. */
export interface CommandOwner {
  readonly name: string;
  /** Names of the programs that run now, this one included. What others made is left over. */
  readonly running: () => Promise<readonly string[]>;
}

/** Time beyond the pull of an image after which the pod that resolves it is left over. */
const CHECK_MS = 120_000;

export interface ClusterCommandsOptions extends Cluster, Omit<JobOptions, "pullSecret" | "owner"> {
  readonly pullSecrets: PullSecrets;
  /** By default a random name, and `sweep` leaves what others made to the cluster. */
  readonly owner?: CommandOwner | undefined;
  readonly closing: AbortSignal;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
}

/** Runs commands as Jobs. Watches the pods of this program's Jobs from its first command on. */
export class ClusterCommands implements Commands {
  readonly #options: ClusterCommandsOptions;
  readonly #owner: string;
  /** By name of the Job. */
  readonly #runs = new Map<string, CommandRun>();
  /** Name of the Job, by name of the pod. */
  readonly #jobs = new Map<string, string>();
  #pods: Mirror<Pod> | undefined;

  constructor(options: ClusterCommandsOptions) {
    this.#options = options;
    this.#owner = labelValue(options.owner?.name ?? randomBytes(8).toString("hex"));
  }

  async run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    const { closing } = this.#options;
    if (order.image === HOST_IMAGE) {
      const detail = "image=host is the sandbox of one machine. On Kubernetes, name an image.";
      throw new Problem("no_sandbox", detail);
    }
    const until = AbortSignal.any([signal, closing]);
    until.throwIfAborted();
    await this.#watching(until);
    const run = new CommandRun(order, { ...this.#options, owner: this.#owner, signal: until });
    this.#runs.set(run.name, run);
    void run.removed.then(() => this.#runs.delete(run.name));
    return await run.start();
  }

  async sweep(): Promise<number> {
    const { api, namespace, owner, limits } = this.#options;
    try {
      const running = owner && new Set((await owner.running()).map(labelValue));
      const youngest = Date.now() - limits.pullMs - CHECK_MS;
      const isOld = ({ metadata }: Pick<Resource, "metadata">) =>
        Date.parse(metadata.creationTimestamp ?? "") < youngest;
      const isLeft = ({ metadata }: Pick<Resource, "metadata">) => {
        const by = metadata.labels?.[LABELS.command] ?? "";
        if (by === this.#owner) return !this.#isUsed(metadata.name);
        return running !== undefined && !running.has(by);
      };
      const listed = async (kind: Kind, label: string) => {
        const place = { kind, namespace };
        const { items } = await api.list<Resource>(place, label, { metadataOnly: true });
        return items.map(({ metadata }) => ({ ...place, metadata, name: metadata.name }));
      };
      // The pods of Jobs go with them.
      const made = [
        ...(await listed(KINDS.jobs, LABELS.command)),
        ...(await listed(KINDS.secrets, LABELS.command)),
      ];
      const checks = [
        ...(await listed(KINDS.pods, LABELS.imageCheck)),
        ...(await listed(KINDS.secrets, LABELS.imageCheck)),
      ];
      const left = [...made.filter(isLeft), ...checks.filter(isOld)];
      await Promise.all(left.map((place) => api.delete(place, "Background")));
      return left.length;
    } catch (error) {
      throw clusterProblem(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.removed));
    await this.#pods?.close();
  }

  #isUsed(name: string): boolean {
    return [...this.#runs.values()].some((run) => run.name === name || run.pullSecret === name);
  }

  async #watching(signal: AbortSignal): Promise<void> {
    const { api, namespace, print, times } = this.#options;
    this.#pods ??= new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.command}=${this.#owner}`,
      onChange: (name, pod) => {
        const job = pod?.metadata.labels?.[JOB_NAME] ?? this.#jobs.get(name) ?? "";
        if (pod) this.#jobs.set(name, job);
        else this.#jobs.delete(name);
        this.#runs.get(job)?.see(pod);
      },
      onTrouble: (reason) => print(`commands cannot be watched: ${reason}`),
      times,
    });
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#pods.synced, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

/** Names of pods may be longer than the value of a label. */
function labelValue(name: string): string {
  const isValue = name.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name);
  return isValue ? name : createHash("sha256").update(name).digest("hex").slice(0, 40);
}
