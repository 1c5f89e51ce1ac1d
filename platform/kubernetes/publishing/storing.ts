import type { Draft, Stored } from "../../platform.ts";
import { checkPrecondition } from "../../precondition.ts";
import { Problem } from "../../problems.ts";
import { modeOf } from "../../settings/runtime.ts";
import { hasStatus, unlessStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type FunctionResource, KINDS, type Kind, type Resource } from "../cluster/resources.ts";
import type { PullSecrets } from "../images/pull-secrets.ts";
import {
  currentOf,
  functionPlace,
  hasOwnSource,
  keptVersion,
  keptVersions,
  specOf,
  trafficOf,
} from "../objects/function-resource.ts";
import { GROUP, LABELS, pullSecretName, versionName } from "../objects/names.ts";
import type { Starter } from "../starting/starter.ts";
import type { VersionStore } from "../versions/version-store.ts";
import { type VersionRecord, versionsToForget } from "../versions/versions.ts";
import { type PublishTurns, refresh, type Turn, type TurnOptions } from "./publish-turns.ts";
import { onlyWithMark } from "./turn-mark.ts";

const GONE_MS = 10_000;
const GONE_PAUSE_MS = 100;

export interface StoringOptions extends TurnOptions {
  readonly turns: PublishTurns;
  readonly versions: VersionStore;
  readonly starter: Starter;
  readonly pullSecrets: PullSecrets;
}

/** Creates versions: their ConfigMaps, a ready instance, and their entry in `status.versions`. */
export class Storing {
  readonly #options: StoringOptions;

  constructor(options: StoringOptions) {
    this.#options = options;
  }

  /** @throws Problem `start_failed`, `unknown_function`, `unknown_version`, `too_many_waiting`; ApiError, ApiUnreachable */
  async store(draft: Draft, signal: AbortSignal): Promise<Stored> {
    const { turns, versions, limits } = this.#options;
    const { name } = draft;
    const packed = versions.pack(draft);
    // Awaited below, unless `begin` fails.
    packed.catch(() => {});
    const make = (annotations: Readonly<Record<string, string>>) => this.#newFunction(draft, annotations);
    const turn = await turns.begin(name, { make, signal });
    const created = keptVersions(turn.resource, limits).length === 0;
    let version: number | undefined;
    let before: readonly VersionRecord[] = [];
    try {
      checkPrecondition(name, draft.expected, currentOf(turn.resource, limits));
      version = await this.#nextNumber(turn);
      before = turn.records!;
      const until = AbortSignal.any([signal, turn.lost]);
      turn.stored = await this.#start({ draft, turn, version, packed }, until);
      turns.hold(turn);
      return { name, version, created };
    } catch (error) {
      if (turn.lost.aborted) {
        turns.drop(turn);
        throw turn.lost.reason;
      }
      await this.#undo(turn, { created, version, hash: draft.hash, before }).catch((failure: Error) => {
        // The leader finds the mark and removes the rest.
        this.#options.onTrouble(`${name}: a failed deploy could not be undone: ${failure.message}`);
        turns.drop(turn);
      });
      throw error;
    }
  }

  async #start({ draft, turn, version, packed }: Storage, signal: AbortSignal): Promise<VersionRecord> {
    const { versions, starter, endpoints } = this.#options;
    const { owner } = turn;
    const { settings } = draft;
    const { project } = await packed;
    if (project?.image) await this.#prepareImage(project.image.reference, { draft, turn, version, packed });
    const failed = new AbortController();
    try {
      const content = async () => {
        const { bundle, project } = await packed;
        return { settings, bundle, project };
      };
      const wish = { owner, record: { version, settings }, count: 1, packed: content };
      const supplied = starter.supply(wish, failed.signal);
      const record = await versions.store(draft, { owner, version, packed: await packed });
      const whenReady = async () => {
        await this.#add(turn, record);
        await endpoints.seen(owner.name, () => endpoints.kept(owner.name, version) !== undefined);
      };
      const wanted = { owner, record, count: 1, takesCalls: false, supplied, whenReady };
      turn.cleanUps.push(await starter.start(wanted, signal));
      return record;
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }

  /**
   * Makes the Secret with which nodes pull the image of a version: its pods start long after the deploy as well.
   * @throws Problem `invalid_setting` if nobody has named the command of an image
   */
  async #prepareImage(image: string, { draft, turn, version }: Storage): Promise<void> {
    const { settings } = draft;
    const { owner } = turn;
    if (modeOf(settings) === "call" && settings.program.command === undefined) {
      const detail =
        "Kubernetes does not say which command an image has: name it, such as command=/app/main, or let the image serve HTTP with mode=serve.";
      throw new Problem("invalid_setting", detail, { setting: "command" });
    }
    if (settings.pullSecret === "") return;
    const labels = { [LABELS.function]: owner.name, [LABELS.version]: String(version) };
    const secret = { image, secret: settings.pullSecret, labels, owner };
    await this.#options.pullSecrets.create(pullSecretName({ name: owner.name, version }), secret);
  }

  /**
   * Skips the numbers of failed versions and of a deleted Function of this name, whose objects and pods may still be
   * there: pods are told apart by their version.
   */
  async #nextNumber(turn: Turn): Promise<number> {
    const { api, namespace, endpoints, versions, limits } = this.#options;
    const { resource, owner } = turn;
    const selector = `${LABELS.function}=${owner.name},${LABELS.version}`;
    const list = async (kind: Kind) =>
      (await api.list<Resource>({ kind, namespace }, selector, { metadataOnly: true })).items;
    const [records, ...labelled] = await Promise.all([
      versions.records(owner.name),
      list(KINDS.deployments),
      list(KINDS.pods),
    ]);
    const kept = keptVersions(resource, limits).map(({ version }) => version);
    // A failed deploy may have left complete versions that are not listed.
    turn.records = records.filter(({ version }) => kept.includes(version));
    const used = [
      ...kept,
      ...records.map(({ version }) => version),
      ...labelled.flat().map(({ metadata }) => Number(metadata.labels?.[LABELS.version])),
    ];
    // A manager that only seemed dead may still make objects of the number that it has chosen.
    const first = turn.isTakenOver ? 2 : 1;
    return first + Math.max(resource.spec.version ?? 0, endpoints.newestReady(owner.name), ...used);
  }

  /** Adds the new version to the list, and removes the oldest ones over the limit. */
  async #add(turn: Turn, record: VersionRecord): Promise<void> {
    const { versions, limits, pullSecrets } = this.#options;
    const traffic = trafficOf(turn.resource, keptVersions(turn.resource, limits));
    const records = [...turn.records!, record];
    const { pinned = [] } = turn.resource.spec;
    const needed = [...[record, ...traffic].map(({ version }) => version), ...pinned];
    const forget = versionsToForget(records, limits.versionsKept, needed);
    const kept = records.filter((each) => !forget.includes(each));
    await this.#list(turn, kept);
    // The leader deletes their Deployments once their instances have finished their calls.
    turn.cleanUps.push(async () => {
      for (const each of forget) {
        await versions.forget(each);
        if (each.settings.pullSecret !== "") await pullSecrets.remove(pullSecretName(each));
      }
    });
    turn.records = kept;
  }

  /** Writes the versions that may be called. */
  async #list(turn: Turn, records: readonly VersionRecord[]): Promise<void> {
    const { api, namespace } = this.#options;
    const { name, uid } = turn.owner;
    const place = { ...functionPlace(namespace, name), subresource: "status" };
    const versions = records.map(keptVersion);
    for (;;) {
      const { status } = turn.resource;
      const isThere = status !== undefined;
      const value = isThere ? versions : { versions };
      try {
        turn.resource = await api.patchJson<FunctionResource>(place, [
          { op: "test", path: "/metadata/uid", value: uid },
          onlyWithMark(turn.by),
          { op: "add", path: isThere ? "/status/versions" : "/status", value },
        ]);
        return;
      } catch (error) {
        if (!hasStatus(error, 404, 422)) throw error;
        await refresh(turn, this.#options);
        // Otherwise somebody has removed the status, or written the first one.
        if ((turn.resource.status !== undefined) === isThere) throw error;
      }
    }
  }

  async #undo(turn: Turn, { created, version, hash, before }: Failed): Promise<void> {
    const { api, namespace, turns, versions } = this.#options;
    const { owner, resource } = turn;
    if (created && !hasOwnSource(resource.spec)) {
      // In the foreground, so that the next deploy waits until every object is gone. The uid protects a Function that
      // somebody else has created meanwhile.
      const place = functionPlace(namespace, owner.name);
      await unlessStatus(api.delete(place, "Foreground", { uid: owner.uid }), 409);
      turns.drop(turn);
      return;
    }
    if (version !== undefined) {
      if (resource.status?.versions?.some((kept) => kept.version === version)) await this.#list(turn, before);
      await versions.forget({ name: owner.name, version, hash });
      const name = versionName(owner.name, version);
      await api.delete({ kind: KINDS.autoscalers, namespace, name }, "Background");
      await api.delete({ kind: KINDS.networkPolicies, namespace, name }, "Background");
      await api.delete({ kind: KINDS.deployments, namespace, name }, "Foreground");
      turn.cleanUps.push(() => this.#gone(name));
    }
    turns.end(turn);
  }

  /** Waits for the deletion, because the next version reuses the number. */
  async #gone(name: string): Promise<void> {
    const { api, namespace } = this.#options;
    const signal = AbortSignal.timeout(GONE_MS);
    while (!signal.aborted && (await api.get({ kind: KINDS.deployments, namespace, name }))) {
      await delay(GONE_PAUSE_MS, signal);
    }
  }

  #newFunction({ name, settings }: Draft, annotations: Readonly<Record<string, string>>): object {
    const { namespace } = this.#options;
    return {
      apiVersion: `${GROUP}/v1`,
      kind: "Function",
      metadata: { name, namespace, annotations, labels: { [LABELS.managedBy]: "skiff" } },
      spec: specOf(settings),
    };
  }
}

interface Storage {
  readonly draft: Draft;
  readonly turn: Turn;
  readonly version: number;
  readonly packed: ReturnType<VersionStore["pack"]>;
}

interface Failed {
  readonly created: boolean;
  /** Undefined before it had a number. */
  readonly version: number | undefined;
  readonly hash: string;
  /** The versions before it. */
  readonly before: readonly VersionRecord[];
}
