import { discardBody } from "../http/discard-body.ts";
import { PUSH_FAMILIES } from "../metrics/git-families.ts";
import { type Group, group } from "../metrics/metrics.ts";
import { keyAccess } from "./access/key-access.ts";
import type { ManagerOptions, Services } from "./api/services.ts";
import type { RequestHandler } from "./app.ts";
import { CommandRuns } from "./commands/command-runs.ts";
import { Deploys } from "./deploys/deploys.ts";
import { glance } from "./git/homes/git-home.ts";
import type { Mirrors } from "./git/mirror/mirrors.ts";
import { PushCounter } from "./git/push/push-counter.ts";
import type { Repositories } from "./git/repositories.ts";

export interface Manager {
  /** For `http.createServer`. The composition root routes `/fn` elsewhere. */
  readonly handler: RequestHandler;
  /** Ends what a killed Skiff left unfinished in repositories. Prints what goes wrong. */
  start(): Promise<void>;
  /** Creates a key for a browser that signs in at the dashboard of this machine. */
  createDashboardKey(): Promise<{ key: string; expiresAt: string }>;
  /** Its families of metrics. */
  metrics(): readonly Group[];
  /**
   * Answers everything but `/healthz` with 503 `draining`. Resolves when the deploys and commands under way are done,
   * or after `drainMs`. Leaves platform and builder open.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** Creates the management API. */
export function createManager(options: ManagerOptions): Manager {
  const { limits, platform, print } = options;
  const closing = new AbortController();
  const deploys = new Deploys(options);
  const commandRuns = new CommandRuns({ commands: platform.commands, limits, print });
  const keys = keyAccess({ ...options, keys: options.keyTable, now: Date.now });
  let app: RequestHandler | undefined;
  let repositories: Repositories | undefined;
  let mirrors: Mirrors | undefined;
  let loading: Promise<void> | undefined;
  const pushes = new PushCounter();
  const load = async () => {
    const { createApp } = await import("./app.ts");
    const { Mirrors } = await import("./git/mirror/mirrors.ts");
    const { Repositories } = await import("./git/repositories.ts");
    const { receivePush } = await import("./git/push/receive.ts");
    const { objectKinds } = await import("./api/files/object-kinds.ts");
    const { KnownFlows } = await import("./api/flows/known-flows.ts");
    const flows = new KnownFlows(options);
    const kinds = () => objectKinds(services);
    const opened = new Repositories({ ...options, deploys, kinds });
    repositories = opened;
    const means = { ...options, deploys, commandRuns, keys, flows, repositories: opened };
    mirrors = new Mirrors({
      ...{ ...means, kinds, now: keys.now, audit: options.store?.audit },
      allowedHosts: options.callbackHosts ?? new Set(),
    });
    const services: Services = {
      ...{ ...means, mirrors, pushes, closing: closing.signal },
      receivePush: (push) => receivePush(push, { ...services, kinds: kinds() }),
    };
    const started = opened.start().then(() => mirrors?.start());
    // Nobody else looks after the repositories of one machine; those of a cluster do not hold up other requests.
    if (options.gitHome?.isShared !== true) await started;
    app = createApp(services);
  };
  return {
    async start() {
      const { gitHome } = options;
      if (gitHome === undefined) return;
      try {
        if (!(await glance(gitHome)).isUnfinished) return;
        loading ??= load();
        await loading;
      } catch (error) {
        loading = undefined;
        print(`git: cannot read the repositories: ${(error as Error).message}`);
      }
    },
    handler(request, response) {
      response.once("close", () => discardBody(request));
      if (app) return app(request, response);
      loading ??= load();
      loading.then(
        () => app!(request, response),
        (error: Error) => {
          // The next request tries again.
          loading = undefined;
          print(`the management API cannot be loaded: ${error.message}`);
          response.writeHead(500, { "content-length": 0 }).end();
        },
      );
    },
    metrics: () => [group(PUSH_FAMILIES, [pushes])],
    async createDashboardKey() {
      const { createDashboardKey } = await import("./access/dashboard-key.ts");
      return createDashboardKey(keys.registry, keys.now());
    },
    async close({ drainMs = limits.drainMs } = {}) {
      closing.abort();
      await repositories?.close();
      await mirrors?.close();
      await Promise.all([deploys.close({ drainMs }), commandRuns.close({ drainMs }), keys.uses.flush()]);
    },
  };
}
