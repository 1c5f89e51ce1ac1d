const { existsSync } = require("node:fs");

/**
 * Files of 10 to 50 seconds each. `npm test` takes a third of them, others every day (UTC). SKIFF_TESTS=3 takes
 * those of the third day, SKIFF_TESTS=all all of them; so does naming files.
 */
const TAKING_TURNS = [
  "test/durability/kill.test.ts",
  "test/git/push/kill.test.ts",
  "test/dashboard/functions/pages.test.ts",
  "test/flows/crash/kill.test.ts",
  "test/events/chaos/kill.test.ts",
  "test/dashboard/operate/events.test.ts",
  "test/flows/crash/crash.test.ts",
  "test/flows/redeploy.test.ts",
  "test/dashboard/flows/runs.test.ts",
  "test/events/chaos/workers.test.ts",
  "test/router/workers/workers.test.ts",
  "test/dashboard/server/one-machine.test.ts",
  "test/failure-modes.test.ts",
  "test/leaks.test.ts",
  "test/dashboard/calls/calls.test.ts",
  "test/sandbox/sockets.test.ts",
  "test/sandbox/descriptors.test.ts",
  "test/dashboard/operate/keys-and-commands.test.ts",
  "test/sandbox/processes.test.ts",
  "test/flows/engine/hostile-runs.test.ts",
  "test/dashboard/server/oidc.test.ts",
  "test/events/schedules/running.test.ts",
  "test/long-streams.test.ts",
  "test/dashboard/flows/mouse.test.ts",
  "test/platform/local/instances/draining.test.ts",
  "test/projects.test.ts",
  "test/git/homes/kill.test.ts",
  "test/git/homes/large-pack.test.ts",
];

const isNamed = process.argv.some((argument) => argument.endsWith(".test.ts") && existsSync(argument));
const { SKIFF_TESTS: day = String(new Date().getUTCDate()) } = process.env;
const isToday = (_, index) => day === "all" || isNamed || index % 3 === Number(day) % 3;

module.exports = {
  require: ["./test/support/setup/system-path.ts"],
  ignore: TAKING_TURNS.filter((file, index) => !isToday(file, index)),
  timeout: 60000,
  forbidOnly: true,
  exit: false,
};
