/** The program of a worker: a front with one router. Its parent, the primary, sends the endpoints. */
import { readProcessMetrics } from "../../metrics/families.ts";
import { KeyTable } from "../../platform/keys/key-table.ts";
import { createFrontAlone, type Front } from "../front.ts";
import { Channel } from "./channel.ts";
import { passOnTo } from "./management.ts";
import type { PrimaryMethods, WorkerMethods } from "./protocol.ts";
import { WorkerPlatform } from "./worker-platform.ts";

const started = Promise.withResolvers<Front>();
const primary = new Channel<PrimaryMethods>(process, {
  async start({ limits, headersMs, address, management, endpoints, keys: specs }) {
    for (const each of endpoints) platform.set(each);
    for (const [id, spec] of specs) keys.set(id, spec);
    const print = (line: string) => void primary.ask("print", line);
    const other = management === undefined ? undefined : passOnTo(management);
    const front = await createFrontAlone({
      platform,
      limits,
      keys,
      print,
      env: process.env,
      headersMs,
      other,
    });
    const port = await front.listen(address);
    started.resolve(front);
    return port;
  },
  update: ({ name, endpoints }) => (endpoints ? platform.set(endpoints) : platform.delete(name)),
  setKey: ({ id, spec }) => void keys.set(id, spec),
  leave: async () => (await started.promise).leave(),
  drain: async (options) => (await started.promise).drain(options),
  async count() {
    const { counted } = await started.promise;
    const functions = [...(await counted.stats())];
    return { functions, totals: await counted.totals(), process: readProcessMetrics() };
  },
  exchangeUsage: async (orders) => (await started.promise).exchangeUsage(orders),
  ping() {},
  async end(options) {
    await (await started.promise).close(options);
    process.exit(0);
  },
} satisfies WorkerMethods);
const platform = new WorkerPlatform(primary);
const keys = new KeyTable();
// A terminal sends these to every process of the group. The primary handles them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.once("disconnect", () => process.exit(1));
