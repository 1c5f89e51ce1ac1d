const { existsSync } = require("node:fs");

/**
 * `npm test` takes a third or a fifth of these files, others every day (UTC). SKIFF_TESTS=3 takes those of the third day,
 * SKIFF_TESTS=all all of them; so does naming files.
 */
const TAKING_TURNS = {
  /** Programs that are killed, and what is hostile. */
  3: [
    "test/durability/kill.test.ts",
    "test/failure-modes.test.ts",
    "test/runtimes/deno/build/hostile-limits.test.ts",
    "test/events/chaos/kill.test.ts",
    "test/full-disk.test.ts",
    "test/images/kill.test.ts",
    "test/flows/crash/kill.test.ts",
    "test/exec/crash.test.ts",
    "test/router/workers/workers.test.ts",
    "test/events/chaos/workers.test.ts",
    "test/flows/crash/crash.test.ts",
    "test/dashboard/server/hostile-page.test.ts",
    "test/sandbox/sockets.test.ts",
    "test/sandbox/descriptors.test.ts",
    "test/sandbox/processes.test.ts",
    "test/flows/engine/hostile-runs.test.ts",
    "test/events/chaos/outage.test.ts",
    "test/platform/local/instances/draining.test.ts",
    "test/git/homes/kill.test.ts",
    "test/git/push/kill.test.ts",
    "test/store/sqlite/kill.test.ts",
    "test/skiff.test.ts",
    "test/runtimes/deno/build/hostile-builds.test.ts",
    "test/git/push/left-behind.test.ts",
  ],
  /** What else takes 8 seconds and more on a machine with two cores. */
  5: [
    "test/platform/local/conformance.test.ts",
    "test/store/postgres/postgres-store.test.ts",
    "test/store/sqlite/sqlite-store.test.ts",
    "test/long-streams.test.ts",
    "test/logs/kept-lines.test.ts",

    "test/corpus/corpus.test.ts",
    "test/docs/cli.test.ts",
    "test/usage/quotas.test.ts",
    "test/events/async-calls.test.ts",
    "test/cli/operate.test.ts",

    "test/dashboard/flows/editor.test.ts",
    "test/dashboard/calls/calls.test.ts",
    "test/dashboard/functions/pages.test.ts",
    "test/dashboard/flows/runs.test.ts",
    "test/dashboard/operate/events.test.ts",

    "test/cli/functions.test.ts",
    "test/behind-proxy.test.ts",
    "test/examples/flows.test.ts",
    "test/platform/local/commands/engine-commands.test.ts",
    "test/platform/local/budget/many-functions.test.ts",

    "test/images/serve.test.ts",
    "test/store/postgres/one-machine.test.ts",
    "test/cli/program.test.ts",
    "test/events/topics/subscriptions.test.ts",
    "test/flows/redeploy.test.ts",

    "test/cli/dev.test.ts",
    "test/last-responses.test.ts",
    "test/one-call/images.test.ts",
    "test/one-call/endings.test.ts",
    "test/usage/counts.test.ts",

    "test/dashboard/server/one-machine.test.ts",
    "test/dashboard/code/code-page.test.ts",
    "test/dashboard/operate/keys-and-commands.test.ts",
    "test/dashboard/flows/mouse.test.ts",
    "test/dashboard/server/oidc.test.ts",

    "test/client-image/pool.test.ts",
    "test/flows/traces.test.ts",
    "test/leaks.test.ts",
    "test/docs/versions.test.ts",
    "test/images/call.test.ts",

    "test/events/schedules/running.test.ts",
    "test/manager/files/on-one-machine.test.ts",
    "test/cli/init.test.ts",
    "test/cli/login.test.ts",
    "test/events/program.test.ts",

    "test/client-image/concurrency.test.ts",
    "test/platform/kubernetes/starting/slow-cluster.test.ts",
    "test/platform/kubernetes/conformance.test.ts",
    "test/events/delivery/worker.test.ts",
    "test/keys/one-machine.test.ts",

    "test/projects.test.ts",
    "test/runtimes/deno/build/hostile-packages.test.ts",
    "test/images/net.test.ts",
    "test/examples/images.test.ts",
    "test/cli/completion.test.ts",

    "test/git/homes/large-pack.test.ts",

    "test/platform/local/changes.test.ts",
    "test/one-call/invisible.test.ts",
    "test/platform/local/commands/host-commands.test.ts",
    "test/one-call/instance.test.ts",
    "test/one-call/programs.test.ts",

    "test/platform/kubernetes/publishing/abandoned-turns.test.ts",
    "test/one-call/last-output.test.ts",
    "test/platform/local/clock.test.ts",
    "test/platform/commands/process-commands.test.ts",
    "test/platform/kubernetes/pool/pool.test.ts",

    "test/process/start.test.ts",
    "test/bad-requests.test.ts",
    "test/seeing.test.ts",
    "test/exec/one-machine.test.ts",
    "test/examples/programs.test.ts",

    "test/client-image/forms.test.ts",
    "test/client-image/finishing.test.ts",
    "test/client-image/node-servers.test.ts",
    "test/client-image/start.test.ts",
    "test/docs/secrets.test.ts",

    "test/docs/files.test.ts",
    "test/events/program-store.test.ts",
    "test/cli/programs.test.ts",
    "test/events/stored-hosts.test.ts",
    "test/docs/programs.test.ts",
    "test/packing/package.test.ts",
    "test/npm-start.test.ts",
    "test/versions/in-traffic.test.ts",
    "test/dashboard/git/repositories.test.ts",
    "test/git/push/groups.test.ts",
    "test/git/mirror/push.test.ts",
    "test/git/mirror/cli.test.ts",
    "test/git/mirror/pull.test.ts",
    "test/git/history/followed-versions.test.ts",
    "test/dashboard/code/new-page.test.ts",
    "test/events/schedules/time-lapse.test.ts",
    "test/git/api/pushed.test.ts",
    "test/router/server/pipelined-methods.test.ts",
    "test/git/push/access.test.ts",
    "test/git/homes/two-managers.test.ts",
    "test/docs/git.test.ts",
    "test/docs/events/flows.test.ts",
    "test/client-image/results.test.ts",
  ],
};

const isNamed = process.argv.some((argument) => argument.endsWith(".test.ts") && existsSync(argument));
const { SKIFF_TESTS: day = String(new Date().getUTCDate()) } = process.env;
const isToday = (index, parts) => day === "all" || isNamed || index % parts === Number(day) % parts;

module.exports = {
  require: ["./test/support/setup/system-path.ts"],
  ignore: Object.entries(TAKING_TURNS).flatMap(([parts, files]) =>
    files.filter((_, index) => !isToday(index, Number(parts))),
  ),
  timeout: 60000,
  forbidOnly: true,
  exit: false,
};
