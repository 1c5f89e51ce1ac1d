import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./support/eventually.ts";
import { answering } from "./support/platform/draft.ts";
import { SkiffProgram } from "./support/skiff/skiff-program.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PRELOAD = new URL("support/shifted-clock.ts", import.meta.url).href;

/** Where the wall clock is read as a number, and why that is no duration of this process. */
const WALL_CLOCK: Readonly<Record<string, string>> = {
  "http/http-date.ts": "the Date of a response",
  "events/main.ts": "when calls, events and schedules are due, which outlives restarts",
  "manager/git/history/resolve-pending.ts": "until when a push is that of another manager",
  "manager/git/homes/maintain.ts": "the age of files that an earlier Skiff may have left",
  "manager/git/live-requests.ts": "when a request began, compared with the times of files",
  "manager/git/push/deploy-commit.ts": "until when a push is that of this manager",
  "manager/manager.ts": "when keys expire and were used",
  "one-machine.ts": "when calls, events and schedules are due, which outlives restarts",
  "platform/kubernetes/commands/cluster-commands.ts": "the age of Jobs that any manager may have made",
  "platform/kubernetes/control/once-keeper.ts": "the age of pods, which the cluster tells by the clock",
  "platform/kubernetes/control/reconciler.ts": "the age of a mark that any manager may have set",
  "platform/kubernetes/descriptions/describe-function.ts":
    "the time of a crash that the cluster does not tell",
  "platform/local/engine/leftovers.ts": "the age of containers that another Skiff may have made",
  "platform/local/resources/resources.ts": "the age of folders that another Skiff may have made",
  "router/usage/usage-sheet.ts": "when calls were counted and failed, which the store keeps by the hour",
  "http/access/caller.ts": "whether a key has expired",
  "router/telemetry/otlp-tracer.ts": "when a span began, which collectors want to know by the clock",
  "store/segments/segment-log-store.ts": "the age of lines that an earlier Skiff may have written",
};

describe("the wall clock", () => {
  it("measures no time: durations are monotonic", () => {
    const files = [
      "client-image",
      "events",
      "http",
      "manager",
      "platform",
      "process",
      "router",
      "runtimes",
      "store",
    ].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) =>
        join(folder, file),
      ),
    );
    const readers = [...files, "skiff.ts", "one-machine.ts"]
      .filter((file) => file.endsWith(".ts"))
      .filter((file) =>
        /\bDate\.now\b|\bnew Date\(\)\.getTime\b/.test(readFileSync(join(ROOT, file), "utf8")),
      );
    assert.deepEqual(readers.sort(), Object.keys(WALL_CLOCK).sort());
  });
});

describe("a clock that jumps a day ahead and two back", () => {
  let folder: string;
  let skiff: SkiffProgram;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-clock-"));
    skiff = new SkiffProgram(folder, { preloads: [PRELOAD] });
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("stops no instance, ends no call and no stream, and deploys and timeouts go on", async () => {
    const url = await skiff.url();
    const deploy = async (name: string, source: string, settings = "") => {
      const response = await fetch(`${url}/func?name=${name}&${settings}`, { method: "POST", body: source });
      return response.status;
    };
    const instances = async () =>
      ((await (await fetch(`${url}/func/lasting`)).json()) as { instances: { id: string }[] }).instances;
    const lasting = `
      export default (request) => {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.onmessage = () => socket.send("here");
        return response;
      };`;
    assert.equal(await deploy("lasting", lasting, "idle=1h"), 201);
    const late = `export default () => new Promise((go) => setTimeout(() => go("late"), 400));\n`;
    assert.equal(await deploy("late", late, "idle=1h"), 201);
    assert.equal(
      await deploy("hanging", "export default () => new Promise(() => {});\n", "timeout=300ms"),
      201,
    );
    const socket = new WebSocket(`${url.replace("http", "ws")}/fn/lasting`);
    await once(socket, "open");
    const before = await instances();

    for (const jump of [1, 2]) {
      const call = fetch(`${url}/fn/late`);
      const hanging = fetch(`${url}/fn/hanging`);
      skiff.signalAlone("SIGUSR2");
      await eventually("the clock jumps", () => skiff.output.split("the clock says").length - 1 === jump);
      assert.equal(await (await call).text(), "late");
      assert.equal((await hanging).status, 504);
      assert.equal(await deploy(`new-${jump}`, answering(`new ${jump}`)), 201);
      assert.equal(await (await fetch(`${url}/fn/new-${jump}`)).text(), `new ${jump}`);
      socket.send("there?");
      const [{ data }] = (await once(socket, "message")) as [MessageEvent<string>];
      assert.equal(data, "here");
      assert.deepEqual(
        (await instances()).map(({ id }) => id),
        before.map(({ id }) => id),
      );
    }
    socket.close();
  });
});
