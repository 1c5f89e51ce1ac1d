import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Condition, Resource } from "../../platform/kubernetes/cluster/resources.ts";
import { eventually } from "../support/eventually.ts";
import { ClusterProgram } from "../support/platform/cluster-program.ts";
import { publish } from "../support/platform/deploying.ts";
import { answering, draftOf } from "../support/platform/draft.ts";
import { FakeCluster } from "../support/platform/fake-cluster.ts";
import { sharedPostgres } from "../support/postgres.ts";

const TOKEN = "a-token-of-the-installation";

interface Shown extends Resource {
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

describe("two programs of events with one store", function () {
  this.timeout(60_000);
  let cluster: FakeCluster;
  let router: Server;
  const programs: ClusterProgram[] = [];
  const got: { readonly request: string; readonly headers: IncomingHttpHeaders; readonly body: string }[] =
    [];

  before(async () => {
    router = createServer(async (request, response) => {
      const { method, url, headers } = request;
      got.push({ request: `${method} ${url}`, headers, body: await text(request) });
      response.writeHead(200, { "content-type": "text/plain" }).end("done\n");
    }).listen(0, "127.0.0.1");
    await once(router, "listening");
    cluster = await FakeCluster.start();
    await publish(cluster.platform, draftOf("hello", answering("hello")));
    const url = await (await sharedPostgres()).newDatabase();
    for (const pod of ["events-1", "events-2"]) {
      const program = new ClusterProgram("events/main.ts", cluster.server, () => ({
        ...{ SKIFF_TOKEN: TOKEN, SKIFF_INTERNAL_TOKEN: TOKEN, SKIFF_INTERNAL_PORT: "0", SKIFF_PORT: "0" },
        ...{ SKIFF_POD: pod, SKIFF_STORE: url },
        SKIFF_ROUTER: `http://127.0.0.1:${(router.address() as AddressInfo).port}`,
      }));
      programs.push(program);
    }
    const listens = ({ output }: ClusterProgram) => output.includes("the events listen on port");
    await eventually("both listen", () => programs.every(listens));
  });
  after(async () => {
    for (const program of programs) await program.close();
    await cluster.close();
    router.close();
  });

  const send = (index: number, path: string, init: RequestInit = {}) => {
    const port = programs[index]!.port(/the events listen on port (\d+)/);
    const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers };
    return fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", ...init, headers });
  };
  const status = (kind: string, name: string) => cluster.server.read<Shown>(kind, name)?.status;

  it("send what either of them took to the router, with the key of the installation", async () => {
    const response = await send(0, "/async/fn/hello/x?y=1", { body: "a" });
    assert.equal(response.status, 202, await response.text());
    assert.equal((await send(1, "/async/fn/hello", { body: "b" })).status, 202);
    await eventually("both were sent", () => got.length === 2);
    const sent = got.splice(0).sort((a, b) => (a.body < b.body ? -1 : 1));
    assert.deepEqual(
      sent.map(({ request, body }) => [request, body]),
      [
        ["POST /fn/hello/x?y=1", "a"],
        ["POST /fn/hello/", "b"],
      ],
    );
    assert.match(String(sent[0]!.headers["x-skiff-key"]), /^sk_kinternals_/);
    assert.equal((await send(0, "/async/fn/nobody")).status, 404);
  });

  it("deliver events to applied subscriptions once, and show their state", async () => {
    const spec = { topic: "orders", function: "hello" };
    cluster.server.put("subscriptions", { metadata: { name: "ship" }, spec });
    const ready = () => status("subscriptions", "ship")?.conditions?.[0]?.status === "True";
    await eventually("it is ready", ready);
    const publishEvent = async (index: number) => {
      const headers = {
        "ce-specversion": "1.0",
        "ce-id": `event-${index}`,
        "ce-source": "/",
        "ce-type": "t",
      };
      return await send(index % 2, "/topic/orders", { headers, body: String(index) });
    };
    // The group begins with the events after it.
    const isThere = async () => {
      const { body } = await send(0, "/topic/orders", { body: "first" });
      await body?.cancel();
      return got.length > 0;
    };
    await eventually("the group is there", isThere);
    for (let index = 0; index < 20; index++) assert.equal((await publishEvent(index)).status, 202);
    const ids = () =>
      got.flatMap(({ headers }) => (/^event-/.test(String(headers["ce-id"])) ? headers["ce-id"] : []));
    await eventually("all are delivered", () => ids().length >= 20);
    assert.equal(new Set(ids()).size, 20);
    assert.equal(ids().length, 20, "none twice");
    await eventually("the lag is shown", () => status("subscriptions", "ship")?.lag === 0);
  });

  it("fire an applied schedule once at each of its times", async () => {
    got.length = 0;
    const spec = { cron: "* * * * * *", overlap: "allow", call: { function: "hello", path: "/tick" } };
    const sinceMs = performance.now();
    cluster.server.put("schedules", { metadata: { name: "ticks" }, spec });
    await eventually("it has fired", () => got.length >= 3);
    await eventually("it is shown", () => status("schedules", "ticks")?.lastOutcome === "fired");
    const { nextAt, lastAt } = status("schedules", "ticks")!;
    assert.ok(Date.parse(String(nextAt)) > Date.parse(String(lastAt)));
    const seconds = (performance.now() - sinceMs) / 1_000;
    assert.ok(got.length <= Math.floor(seconds) + 1, `${got.length} calls in ${seconds} s`);
    cluster.server.remove("schedules", "ticks");
  });
});
