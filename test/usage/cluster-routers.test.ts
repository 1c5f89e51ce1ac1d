import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Collector } from "../../manager/usage/collector.ts";
import { KubeApi } from "../../platform/kubernetes/cluster/api.ts";
import { Routers } from "../../platform/kubernetes/cluster/routers.ts";
import type { RouterOrders } from "../../platform/usage/exchange.ts";
import { createInternalServer } from "../../router/server/internal-server.ts";
import { UsageExchange } from "../../router/usage/usage-exchange.ts";
import type { UsageBatch } from "../../store/store.ts";
import { Harness, send } from "../router/support/harness.ts";
import { eventually } from "../support/eventually.ts";
import { FakeApiServer } from "../support/platform/fake-api-server.ts";

const TOKEN = "a-token-of-the-installation";
const QUOTA = { inFlight: 10, perMonth: 20 };

describe("usage of routers on Kubernetes", () => {
  let api: FakeApiServer;
  let routers: Routers;
  let harnesses: Harness[];
  let servers: Server[];
  let exchanges: UsageExchange[];
  let stored: UsageBatch[];
  let collector: Collector | undefined;

  beforeEach(async () => {
    api = await FakeApiServer.start();
    harnesses = [await Harness.start(), await Harness.start()];
    exchanges = harnesses.map(({ router }) => {
      return new UsageExchange(async (orders: RouterOrders) => [router.functions.sheet.report(orders)]);
    });
    stored = [];
    servers = [];
    let port = 0;
    for (const [index, usage] of exchanges.entries()) {
      const nothing = () => undefined;
      const parts = { ready: nothing, metrics: async () => "", load: nothing, serving: nothing };
      const server = createInternalServer({
        ...parts,
        token: TOKEN,
        usage: (orders) => usage.exchange(orders),
      });
      const host = `127.0.0.${index + 1}`;
      await new Promise<void>((resolve) => server.listen(port, host, resolve));
      ({ port } = server.address() as AddressInfo);
      servers.push(server);
      const metadata = { name: `router-${index}`, labels: { app: "skiff-router" } };
      api.put("pods", { metadata, status: { phase: "Running", podIP: host } });
    }
    const kube = new KubeApi(api.connection());
    routers = new Routers({
      api: kube,
      namespace: "skiff",
      labelSelector: "app=skiff-router",
      token: TOKEN,
      port,
    });
    for (const harness of harnesses) {
      await harness.serve((_, response) => void response.end("ok"), { quota: QUOTA });
    }
    const ledger = {
      add: async (batches: readonly UsageBatch[]) => void stored.push(...batches),
      month: async () => ({ functions: { echo: 8 }, keys: {} }),
    };
    collector = new Collector({
      exchange: (orders, signal) => routers.exchangeUsage(orders, signal),
      ledger,
      print: (line) => assert.fail(line),
      everyMs: 20,
    });
  });
  afterEach(async () => {
    await collector?.close();
    await routers.close();
    for (const server of servers) server.closeAllConnections();
    for (const server of servers) server.close();
    for (const harness of harnesses) await harness.close();
    await api.down();
  });

  const call = async (index: number) => (await send(`${harnesses[index]!.url}/fn/echo`)).status;
  const storedCalls = () => stored.flatMap(({ hours }) => hours).reduce((sum, { calls }) => sum + calls, 0);
  const gate = (index: number) => harnesses[index]!.router.functions.get("echo")!.gate!;
  const left = (index: number) => gate(index).remaining("perMonth");

  it("is collected from each of them, and quotas are divided among them", async () => {
    for (const index of [0, 0, 0, 1]) assert.equal(await call(index), 200);
    await eventually("both were stored", () => storedCalls() === 4);
    await eventually("the rest of the month is divided", () => left(0) + left(1) === 20 - 8 - 4);
    assert.equal(gate(0).remaining("inFlight") + gate(1).remaining("inFlight"), 10);
  });

  it("of a router that ends is collected before it ends", async () => {
    assert.equal(await call(0), 200);
    await eventually("the collector asks", () => storedCalls() === 1);
    assert.equal(await call(1), 200);
    await exchanges[1]!.last(5_000);
    servers[1]!.closeAllConnections();
    servers[1]!.close();
    await collector!.close();
    assert.equal(storedCalls(), 2);
  });

  it("goes on without a router that does not answer, whose share the other one gets", async () => {
    for (const index of [0, 1]) assert.equal(await call(index), 200);
    await eventually("both were stored", () => storedCalls() === 2);
    servers[1]!.closeAllConnections();
    servers[1]!.close();
    for (let i = 0; i < 3; i++) assert.equal(await call(0), 200);
    await eventually("one owns all", () => left(0) === 20 - 8 - 5);
  });
});

describe("the exchange of usage of a router that ends", () => {
  it("waits for no collector that is silent", async () => {
    const usage = new UsageExchange(async () => []);
    const startMs = performance.now();
    await usage.last(60_000);
    assert.ok(performance.now() - startMs < 30_000);
  });
});
