import type { Principal } from "../../http/access/principal.ts";
import {
  complete,
  isSameVersion,
  isServing,
  type Published,
  publish,
  unchanged,
} from "../../platform/deploying.ts";
import type { Limits } from "../../platform/limits.ts";
import type {
  Content,
  Draft,
  Platform,
  Precondition,
  Source,
  VersionNote,
  VersionRecord,
} from "../../platform/platform.ts";
import { checkPrecondition } from "../../platform/precondition.ts";
import { draining, Problem, unknownFunction } from "../../platform/problems.ts";
import {
  defaultSettings,
  mergeSettings,
  type Settings,
  type SettingsPatch,
} from "../../platform/settings/settings.ts";
import { shareOf } from "../../platform/traffic.ts";
import { sourceHash, versionHash } from "../../platform/version-hash.ts";
import { IMAGE_TYPE, readImageSource } from "../../runtimes/image/image-artifact.ts";
import type { Builder, BuildOptions } from "../../runtimes/runtime.ts";
import { exactStart, isSameStart, patchedStart, startOf } from "../../runtimes/start-order.ts";
import type { LogStore } from "../../store/store.ts";
import { DeployTurns } from "./deploy-turns.ts";
import { type HostClaim, HostClaims } from "./host-claims.ts";
import { checkKept } from "./kept-settings.ts";
import { requireKnownSecrets, withNewestSecrets } from "./newest-secrets.ts";
import { requireKnownPull, requirePullSecret } from "./pull-rights.ts";
import { pullImage } from "./pulled-image.ts";
import { recognizeAgain } from "./recognized-source.ts";
import { SecretRefresh } from "./secret-refresh.ts";
import { type Declared, DeclaredBySource, mergeDeclared, patchOf } from "./skiff-yaml.ts";
import { startErrors } from "./start-errors.ts";
import { Starts } from "./starts.ts";

const DEPLOYS_IN_ALL = 1_000;
const DEPLOYS_WAITING_PER_NAME = 20;
/** Memory of all deploys, and of waiting ones, in sources of the largest size. */
const SOURCES_IN_ALL = 32;
const SOURCES_WAITING = 16;
/** Time that a removal gives earlier deploys to finish before it aborts them. */
const REMOVAL_WAITS_MS = 500;

export interface DeploysOptions {
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
  /** Its lines of a function are removed with the function. */
  readonly store?: { readonly logs?: Pick<LogStore, "forget"> } | undefined;
  /** Base of the URLs in answers: no function gets its host name. */
  readonly publicUrl?: string;
}

export interface DeployOrder {
  readonly name: string;
  /** Source of the new version. By default that of the current version. */
  readonly source?: Source;
  /** Name of the image that is the source of the new version. */
  readonly image?: string | undefined;
  /** Changes to the settings of the current version, or to the defaults of a new function. */
  readonly patch: SettingsPatch;
  /** What the patch changes instead of the settings of the current version: these, and the variables that it keeps. */
  readonly base?: { readonly settings: Settings; readonly keptEnv: readonly string[] };
  /** What `skiff.yaml` of the source declares, where the client of this class knows it. */
  readonly declared?: Declared;
  readonly note?: VersionNote | undefined;
  /** Share of the calls that the new version gets, from 0 to 100; by default all. */
  readonly percent?: number | undefined;
  readonly expected?: Precondition | undefined;
  /** Whose request it is. One who is limited to some functions adds no secrets. */
  readonly principal?: Principal;
  /** The host at which the client reached the manager: no function gets it. */
  readonly reachedAt?: readonly string[] | undefined;
  /** Called once the artifact exists, before an instance starts. Without a time, the artifact of a kept version is reused. */
  readonly onBuilt?: ((buildMs: number | undefined) => void) | undefined;
  /** Aborts waiting and building. A publish that has begun completes. */
  readonly signal: AbortSignal;
}

/** The result of a deploy, with the times to print. */
export interface Deployed extends Published {
  /** Its share of all calls, from 0 to 1. */
  readonly share: number;
  readonly waitedMs: number;
  /** Absent if the bundle of the previous version was reused. */
  readonly buildMs?: number;
  /** Time that it took to find out what the name of an image means. */
  readonly pullMs?: number;
  readonly startMs: number;
}

/** The result of a build. */
interface Fresh {
  readonly content: Content;
  /** What `skiff.yaml` of the source declares. */
  readonly declared: Declared;
  readonly buildMs: number;
}

/** What a deploy finds, and the version that it makes. */
export interface DeployPlan {
  readonly current: VersionRecord | undefined;
  readonly version: Omit<Draft, "content">;
  readonly isUnchanged: boolean;
}

interface Plan extends Omit<DeployPlan, "isUnchanged"> {
  /** Set if the source was built for its settings. */
  readonly fresh: Fresh | undefined;
  /** Absent if the source of the current version stays. */
  readonly source: Source | undefined;
  readonly pullMs?: number;
}

/** Makes versions of sources and settings. Changes of one function run in order of arrival. */
export class Deploys {
  readonly #options: DeploysOptions;
  readonly #turns: DeployTurns;
  readonly #starts = new Starts(DEPLOYS_IN_ALL);
  readonly #declared = new DeclaredBySource();
  readonly #hosts: HostClaims;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  /** Deploys under way and waiting, with the controllers by which a removal aborts them. */
  readonly #deploying = new Set<{ readonly name: string; readonly removal: AbortController }>();

  constructor(options: DeploysOptions) {
    this.#options = options;
    const { platform, publicUrl } = options;
    this.#hosts = new HostClaims(platform, [URL.parse(publicUrl ?? "")?.hostname ?? "localhost"]);
    const { buildMs, startMs, sourceBytes } = options.limits;
    this.#turns = new DeployTurns({
      inAll: DEPLOYS_IN_ALL,
      waitingPerName: DEPLOYS_WAITING_PER_NAME,
      bytesInAll: SOURCES_IN_ALL * sourceBytes,
      waitingBytes: SOURCES_WAITING * sourceBytes,
      waitMs: buildMs + startMs,
    });
  }

  /**
   * Deploys a version. An error changes nothing.
   * @throws Problem `unknown_function` (neither a source nor a current version), `invalid_setting`, `host_taken`,
   * `precondition_failed`, `too_many_waiting`, `draining`; errors of builder and platform; the signal's reason
   */
  deploy(order: DeployOrder): Promise<Deployed> {
    const arrivedAt = performance.now();
    const { name, source } = order;
    const deploying = { name, removal: new AbortController() };
    const removed = deploying.removal.signal;
    const signal = AbortSignal.any([order.signal, this.#closing.signal, removed]);
    this.#deploying.add(deploying);
    const work = () => this.#deploy({ ...order, signal, removed }, performance.now() - arrivedAt);
    const done = this.#turns.run({ name, bytes: source?.bytes.byteLength ?? 0, signal }, work);
    return this.#track(done.finally(() => this.#deploying.delete(deploying)));
  }

  /**
   * Returns what a deploy would find and make now. Builds nothing, because the order says what its source declares.
   * @throws Problem `invalid_setting`
   */
  async plan(order: DeployOrder & { readonly declared: Declared }): Promise<DeployPlan> {
    return await this.#planned(order, async ({ current, version }) => {
      const isSame = current !== undefined && isSameVersion(current, version);
      return { current, version, isUnchanged: isSame && isServing(this.#options.platform, current) };
    });
  }

  /** @throws Problem `host_taken`; `invalid_setting` for a host at which the manager answers */
  checkHosts(claim: HostClaim): void {
    this.#hosts.check(claim);
  }

  /**
   * Removes a function after its earlier deploys, so that none of them restores it. Deploys that hang are aborted.
   * False if there is no such function.
   * @throws Problem `precondition_failed`, `too_many_waiting`, `draining`
   */
  async remove(name: string, expected?: Precondition): Promise<boolean> {
    const { platform } = this.#options;
    if (expected !== undefined) checkPrecondition(name, expected, (await platform.find(name))?.version);
    const before = [...this.#deploying].filter((each) => each.name === name);
    const detail = `The function "${name}" was removed while this deploy was under way. Deploy it again.`;
    const abort = () => {
      for (const { removal } of before) removal.abort(new Problem("unknown_function", detail));
    };
    const timer = setTimeout(abort, REMOVAL_WAITS_MS);
    const turn = { name, bytes: 0, isAlwaysTaken: true, signal: this.#closing.signal };
    try {
      return await this.#track(this.#turns.run(turn, () => this.#remove(name, expected)));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Functions with a deploy under way or waiting. */
  get underWay(): string[] {
    return [...this.#deploying].map(({ name }) => name);
  }

  /** Brings the newest secrets to a function, in its turn. See `SecretRefresh.run`. @throws also Problem `draining` */
  refreshSecrets(name: string, note: VersionNote): Promise<number | undefined> {
    const { signal } = this.#closing;
    const { platform } = this.#options;
    const refresh = new SecretRefresh({ platform, starts: this.#starts, signal });
    const turn = { name, bytes: 0, isAlwaysTaken: true, signal };
    return this.#track(this.#turns.run(turn, () => refresh.run(name, note)));
  }

  /** The name is free again when its log is gone, too. */
  async #remove(name: string, expected?: Precondition): Promise<boolean> {
    const { platform, store } = this.#options;
    const existed = await platform.remove(name, expected);
    if (existed) await store?.logs?.forget(name);
    return existed;
  }

  /** Waits up to `drainMs` for changes under way. Deploys that have not begun to publish end with `draining` then. */
  async close({ drainMs }: { drainMs: number }): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, drainMs);
    await Promise.race([Promise.allSettled(this.#underWay), late]);
    clearTimeout(timer);
    this.#closing.abort(draining());
  }

  async #deploy(order: DeployOrder & { removed: AbortSignal }, waitedMs: number): Promise<Deployed> {
    const { name, reachedAt } = order;
    const { platform } = this.#options;
    return await this.#planned(order, async (plan) => {
      const { hosts } = plan.version.settings;
      const made = await this.#hosts.during({ name, hosts, reachedAt }, () => this.#make(order, plan));
      const traffic = platform.endpoints(name)?.traffic ?? [];
      const pulled = plan.pullMs === undefined ? {} : { pullMs: plan.pullMs };
      return { ...made, ...pulled, share: shareOf(traffic, made.version), waitedMs };
    });
  }

  /** Plans a version, whose secrets stay as long as `work` takes. */
  async #planned<T>(order: DeployOrder, work: (plan: Plan) => Promise<T>): Promise<T> {
    const { name, note, expected, signal, base, image } = order;
    const { platform, limits } = this.#options;
    const current = await platform.find(name);
    if (!order.source && image === undefined && !current) throw unknownFunction(name);
    checkPrecondition(name, expected, current?.version);
    const former = base?.settings ?? current?.settings ?? defaultSettings(limits);
    const patch = base ? withKept(order.patch, current?.settings.env ?? {}, base.keptEnv) : order.patch;
    const pulled =
      image === undefined ? undefined : await pullImage(image, { ...order, platform, limits, former, patch });
    const source = pulled?.source ?? order.source ?? (await this.#recognizedAgain(current, patch));
    const hashed = source ? await sourceHash(source) : current!.sourceHash;
    const { settings: asked, fresh } = await this.#settings(
      { source, patch, declared: order.declared },
      { former, hashed, signal },
    );
    if (order.principal) {
      requireKnownSecrets(order.principal, asked, current?.settings);
      if (source?.type === IMAGE_TYPE) {
        const { image: known } = readImageSource(source);
        await requireKnownPull(order.principal, {
          platform,
          name,
          image: known,
          pullSecret: asked.pullSecret,
        });
      }
    }
    if (image !== undefined || asked.pullSecret !== current?.settings.pullSecret)
      await requirePullSecret(platform, asked.pullSecret);
    return await withNewestSecrets(platform.secrets, asked, (settings) => {
      const hash = versionHash(hashed, settings);
      const version = { name, hash, sourceHash: hashed, settings, note, expected };
      return work({ ...pulled, source, current, version, fresh });
    });
  }

  /** Makes the version current. */
  async #make(
    { percent, signal, removed, onBuilt }: DeployOrder & { removed: AbortSignal },
    { source, current, version, fresh }: Plan,
  ): Promise<Omit<Deployed, "share" | "waitedMs">> {
    const { platform } = this.#options;
    const { sourceHash: hashed, settings } = version;
    const known = await this.#known(version, { current, percent });
    // Only a removal aborts a publish: for a client that disconnects, a version is complete or absent.
    if (known) {
      if (percent === 0 || isServing(platform, known)) return { ...unchanged(known), startMs: 0 };
      return await this.#starts.run(
        () => complete(platform, { ...unchanged(known), percent }, removed),
        signal,
      );
    }
    const isSameContent = current?.sourceHash === hashed && isSameBuild(current.settings, settings);
    const order = { entry: settings.entry, start: exactStart(settings), signal };
    if (!isSameContent && source && this.#options.builder.becomesModule(source, settings.runtime)) {
      platform.expectModule?.(settings);
    }
    const built = isSameContent
      ? undefined
      : (fresh ?? (await this.#build(source ?? (await this.#stored(current!)), order)));
    signal.throwIfAborted();
    onBuilt?.(built?.buildMs);
    const content = built?.content ?? { sameAs: current!.version };
    const draft = { ...version, content, percent };
    const start = () => this.#advised(publish(platform, draft, removed), content, signal);
    return { ...(await this.#starts.run(start, signal)), ...(built ? { buildMs: built.buildMs } : {}) };
  }

  /** Returns the stored version that a deploy would make again: the current one, or the last preview. */
  async #known(
    version: Plan["version"],
    { current, percent }: Pick<Plan, "current"> & Pick<DeployOrder, "percent">,
  ): Promise<VersionRecord | undefined> {
    const { platform } = this.#options;
    if (current && isSameVersion(current, version)) return current;
    const newest = platform.endpoints(version.name)?.versions.at(-1)?.version;
    if (percent === undefined || newest === undefined || newest === current?.version) return undefined;
    const record = await platform.find(version.name, newest);
    return record && isSameVersion(record, version) ? record : undefined;
  }

  /**
   * Merges the settings of the current version, of the source's `skiff.yaml` and of the order, the later ones over the
   * earlier ones. Builds the source if nothing else tells what its `skiff.yaml` declares.
   */
  async #settings(
    {
      source,
      patch,
      declared: known,
    }: Pick<DeployOrder, "patch"> & {
      readonly source: Source | undefined;
      readonly declared: Declared | undefined;
    },
    { former, hashed, signal }: { former: Settings; hashed: string; signal: AbortSignal },
  ): Promise<{ settings: Settings; fresh?: Fresh }> {
    const { limits } = this.#options;
    const merge = (declared: Declared) => {
      const merged = mergeSettings(mergeDeclared(former, declared, limits), patch, limits);
      return checkKept(merged, [patchOf(declared), patch]);
    };
    const declared = source === undefined ? {} : (known ?? this.#declared.find(source, hashed));
    if (source === undefined || declared !== undefined) return { settings: merge(declared ?? {}) };
    // Refuses wrong settings of the order before the build.
    const merged = mergeSettings(former, patch, limits);
    const chosen = Object.hasOwn(patch, "entry") ? { entry: merged.entry } : {};
    const start = patchedStart(patch, merged);
    const before = { formerEntry: former.entry, formerStart: startOf(former) };
    const fresh = await this.#build(source, { ...chosen, start, ...before, signal });
    const settings = merge(fresh.declared);
    this.#declared.remember(hashed, fresh.declared);
    return { settings, fresh };
  }

  /** Adds to the problem of a failed start what the builder knows about its cause. */
  async #advised<T>(publishing: Promise<T>, content: Draft["content"], signal: AbortSignal): Promise<T> {
    try {
      return await publishing;
    } catch (error) {
      const log =
        error instanceof Problem && error.code === "start_failed" ? error.extensions.log : undefined;
      if (log === undefined || !("artifact" in content)) throw error;
      const advise = this.#options.builder.adviseStart(content.artifact, log, signal);
      const find = startErrors(log, content.source, { builder: this.#options.builder, signal });
      // Without advice and places the problem is the same.
      const [advice, errors] = await Promise.all([advise.catch(() => undefined), find.catch(() => [])]);
      const { code, detail, extensions } = error as Problem;
      throw new Problem(code as "start_failed", advice === undefined ? detail : `${detail}\n${advice}`, {
        ...{ ...extensions, log },
        ...(errors.length === 0 ? {} : { errors }),
      });
    }
  }

  /** The source of the current version as a deploy for another runtime recognises it; undefined if the runtime stays. */
  async #recognizedAgain(
    current: VersionRecord | undefined,
    patch: SettingsPatch,
  ): Promise<Source | undefined> {
    const { limits, builder } = this.#options;
    if (current === undefined || patch.runtime === undefined) return undefined;
    const { runtime } = mergeSettings(current.settings, patch, limits);
    if (runtime === current.settings.runtime) return undefined;
    return recognizeAgain(await this.#stored(current), { runtime, builder });
  }

  async #stored({ name, version }: VersionRecord): Promise<Source> {
    const source = await this.#options.platform.readSource(name, version);
    if (source === undefined) throw unknownFunction(name);
    return source;
  }

  async #build(source: Source, options: BuildOptions & { readonly signal: AbortSignal }): Promise<Fresh> {
    const startedAt = performance.now();
    try {
      const { artifact, settings: declared = {} } = await this.#options.builder.build(source, options);
      return { content: { source, artifact }, declared, buildMs: performance.now() - startedAt };
    } catch (error) {
      // The reason for an abort is more useful than the error of an aborted build.
      options.signal.throwIfAborted();
      throw error;
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const done = () => this.#underWay.delete(work);
    work.then(done, done);
    return work;
  }
}

/** Whether the artifact of a source for some settings serves others, too. */
function isSameBuild(one: Settings, other: Settings): boolean {
  return one.entry === other.entry && isSameStart(one, other);
}

/** Adds the variables to a patch that keep their value. @throws Problem `invalid_setting` if there is none to keep */
function withKept(patch: SettingsPatch, env: Settings["env"], kept: readonly string[]): SettingsPatch {
  if (kept.length === 0) return patch;
  const values = kept.map((name) => {
    if (Object.hasOwn(env, name)) return [name, env[name]];
    const detail = `env: there is no value of ${name} to keep: write the value instead of "***".`;
    throw new Problem("invalid_setting", detail, { setting: "env" });
  });
  return { ...patch, env: { ...(patch.env as object | undefined), ...Object.fromEntries(values) } };
}
