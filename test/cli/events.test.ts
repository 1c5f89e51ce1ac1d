import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const TOKEN = "a-token-of-an-installation";
const ECHO = `export default async (request: Request) => {
  const { pathname, search } = new URL(request.url);
  const status = Number(request.headers.get("x-status") ?? 200);
  console.log("got", request.headers.get("ce-type"));
  const seen = { path: pathname + search, body: await request.text(), key: request.headers.get("authorization") };
  return Response.json(seen, { status });
};\n`;
const LATER = ["--delay", "1h"];

describe("the command skiff, for what happens later", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let cli: CommandInProcess;
  let processes: CommandLine;
  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_TOKEN: TOKEN } });
    const env = { SKIFF_URL: skiff.url, SKIFF_KEY: TOKEN };
    processes = new CommandLine(env);
    cli = new CommandInProcess(processes.folder, env);
    writeFileSync(join(processes.folder, "echo.ts"), ECHO);
    await cli.output(["deploy", "echo.ts"]);
  });
  after(async () => {
    await processes.close();
    await skiff.close();
  });

  it("calls a function asynchronously and prints its answer, without showing it the token", async () => {
    const answer = await cli.output(["async", "echo/a?key=mine", "-d", "text", "--wait"]);
    assert.deepEqual(JSON.parse(answer), { path: "/a?key=mine", body: "text", key: null });
    const { code, stdout, stderr } = await cli.run(["async", "echo", "-H", "x-status: 404", "--wait", "30s"]);
    assert.deepEqual([code, JSON.parse(stdout).body], [4, ""]);
    assert.match(stderr, /^error: The call [0-9a-f]{32} is dead: .*404/);
  });

  it("lists, shows, cancels, retries and removes calls", async () => {
    const id = (await cli.output(["async", "echo/x", "-d", "three", ...LATER, "--key", "k"])).trim();
    assert.match(
      await cli.output(["calls", "--function", "echo", "--state", "waiting"]),
      new RegExp(`^${id}  waiting  echo `, "m"),
    );
    assert.match(await cli.output(["describe", "echo"]), /^async calls: +1 waiting, 0 running, \d+ dead$/m);
    const shown = await cli.output(["calls", "show", id]);
    assert.match(shown, /^state: +waiting$/m);
    assert.match(shown, /^request: +POST echo\/x, 5 bytes$/m);
    assert.match(shown, /^key: +k$/m);
    assert.match(shown, /^due: +\d{4}-/m);
    assert.equal((await cli.run(["calls", "result", id])).code, 2);
    assert.equal(await cli.output(["calls", "cancel", id]), `Cancelled ${id}.\n`);
    const again = await cli.run(["calls", "cancel", id]);
    assert.deepEqual(
      [again.code, again.stderr],
      [2, `error: The call ${id} is cancelled: only calls that wait can be cancelled.\n`],
    );

    const dead = (await cli.output(["async", "echo", "-H", "x-status: 400"])).trim();
    await eventually("it is dead", async () => (await cli.output(["calls", "show", dead])).includes("dead"));
    assert.match(await cli.output(["calls", "show", dead]), /^attempt 1: \S+, \d.*, 400 .*\(\S+\)$/m);
    assert.match(await cli.output(["calls", "logs", dead]), / got null$/m);
    assert.equal(JSON.parse(await cli.output(["calls", "result", dead])).path, "/");
    assert.match(await cli.output(["calls", "retry", "--function", "echo"]), /^2 calls wait again\.$/m);
    await eventually("it has a second attempt", async () =>
      (await cli.output(["calls", "show", dead])).includes("attempt 2"),
    );
    const removed = await cli.output(["calls", "purge", "--state", "dead,cancelled"]);
    assert.match(removed, /^3 records removed, 0 calls cancelled\.$/m);
    assert.equal((await cli.run(["calls", "show", dead])).code, 4);
    assert.equal((await cli.run(["calls", "purge"])).code, 2);
  });

  it("publishes events that a subscription brings to a function", async () => {
    assert.equal(
      await cli.output(["topics", "create", "orders", "--keep-for", "24h"]),
      "The topic orders is created.\n",
    );
    const subscribe = ["subscribe", "orders", "--function", "echo", "--where", "type=order.created"];
    assert.equal(await cli.output(subscribe), "The subscription echo-orders is created.\n");
    assert.equal(await cli.output(subscribe), "The subscription echo-orders is unchanged.\n");
    const id = (
      await cli.output(["publish", "orders", "-d", '{"item": 3}', "--type", "order.created"])
    ).trim();
    assert.match(id, /^[0-9a-f-]{36}$/);
    await eventually("the function got it", async () =>
      /got order\.created/.test(await cli.output(["logs", "echo"])),
    );
    assert.match(await cli.output(["subscriptions"]), /^echo-orders +orders +echo +echo-orders /m);
    assert.match(await cli.output(["topics"]), /^orders +1 +1 +echo-orders \(lag 0\)$/m);
    const replayed = await cli.output(["subscriptions", "replay", "echo-orders", "--from", "earliest"]);
    assert.match(replayed, /^The group echo-orders gets 1 events from there\.$/m);
    const tail = processes.start(["subscribe", "orders", "--print", "--from", "earliest"]);
    const [line] = await tail.printed(/^\{.*\}$/m);
    assert.deepEqual(JSON.parse(line!).event.data, { item: 3 });
    await tail.close();
    assert.match(await cli.output(["topics", "show", "orders"]), /^keepFor: +24h$/m);
    assert.equal(await cli.output(["__complete", "--", "topics", "show", "or"]), "orders\t\n");
    assert.match(await cli.output(["subscriptions", "pause", "echo-orders"]), /is paused/);
    assert.match(await cli.output(["subscriptions"]), /^echo-orders .* paused$/m);
    await cli.output(["subscriptions", "delete", "echo-orders"]);
    await cli.output(["topics", "delete", "orders"]);
    assert.equal((await cli.run(["topics", "show", "orders"])).code, 4);
  });

  it("declares schedules", async () => {
    await cli.output(["deploy", "echo.ts", "--set", "cron=0 4 * * *"]);
    await eventually("its time is known", async () =>
      /^cron: +0 4 \* \* \*, next \S+T04:00:00/m.test(await cli.output(["describe", "echo"])),
    );
    const added = [
      "schedule",
      "add",
      "nightly",
      "--cron",
      "0 3 * * *",
      "--function",
      "echo",
      "-d",
      '{"a":1}',
    ];
    assert.equal(await cli.output(added), "The schedule nightly is created.\n");
    assert.match(await cli.output(["schedule"]), /^nightly +0 3 \* \* \* +UTC +echo +\d{4}-\S+T03:00:00/m);
    const shown = await cli.json<{ spec: object; next: string[] }>(["schedule", "show", "nightly"]);
    assert.deepEqual(shown.spec, { cron: "0 3 * * *", call: { function: "echo", body: { a: 1 } } });
    assert.equal(shown.next.length, 10);
    const { call } = await cli.json<{ call: string }>(["schedule", "run", "nightly"]);
    assert.match(await cli.output(["calls", "show", call]), /^origin: +schedule nightly, at /m);
    assert.match(await cli.output(["calls", "--schedule", "nightly"]), new RegExp(`^${call} `, "m"));
    assert.match(await cli.output(["schedule", "firings", "nightly"]), /^AT +FIRED +OUTCOME +CALL$/m);
    await cli.output(["schedule", "pause", "nightly"]);
    assert.match(await cli.output(["schedule"]), /^nightly .* paused /m);
    await cli.output(["schedule", "remove", "nightly"]);
  });

  it("begins runs of flows for events and at times", async () => {
    await cli.output(["subscribe", "orders", "--flow", "ship"]);
    assert.match(await cli.output(["subscriptions"]), /^ship-orders +orders +flow ship +ship-orders /m);
    const times = ["--cron", "@daily", "--flow", "ship", "--data", '{"all":true}'];
    await cli.output(["schedule", "add", "daily", ...times]);
    assert.match(await cli.output(["schedule"]), /^daily +@daily +UTC +flow ship /m);
    const { spec } = await cli.json<{ spec: object }>(["schedule", "show", "daily"]);
    assert.deepEqual(spec, { cron: "@daily", run: { flow: "ship", input: { all: true } } });
    await cli.output(["schedule", "remove", "daily"]);
    await cli.output(["subscriptions", "remove", "ship-orders"]);
  });

  it("leaves counts in which every call has one state", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const text = await (await fetch(`${skiff.url}/metrics`, { headers })).text();
    assert.match(text, /^skiff_async_accepted_total\{queue="fn\/echo"\} [1-9]/m);
    assert.match(text, /^skiff_async_accepted_total\{queue="sub\/echo-orders"\} [1-9]/m);
    assert.match(text, /^skiff_async_drift 0$/m);
  });

  it("says what is missing", async () => {
    for (const [args, expected] of [
      [["subscribe", "orders"], /--function NAME, --to URL or --flow NAME/],
      [["subscribe", "orders", "--to", "https://example.com"], /needs a name/],
      [["schedule", "add", "x", "--cron", "@hourly"], /--function NAME, --topic NAME or --flow NAME/],
      [["publish", "orders", "--attribute", "A"], /--attribute A is not an attribute/],
      [["async", "echo", "--wait", "soon"], /--wait soon is not a time/],
      [["calls", "retry", "1", "--function", "x"], /not both/],
    ] as const) {
      const { code, stderr } = await cli.run(args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, expected);
    }
    const refused = await cli.run(["async", "echo", "--priority", "99"]);
    assert.deepEqual([refused.code, /priority is "99"/.test(refused.stderr)], [3, true]);
    assert.equal((await cli.run(["async", "none"])).code, 4);
  });
});
