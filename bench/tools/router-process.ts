/**
 * A router with given addresses instead of builds and instances, in a process of its own. `router-process.ts` prints
 * its port. Each line `COUNT HOST:PORT` on standard input makes functions f-0 … f-COUNT, which share this instance. The
 * answer is the memory of the process.
 */
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { limitsFromEnv } from "../../platform/limits.ts";
import { Router } from "../../router/router.ts";
import { CallServer } from "../../router/server/call-server.ts";
import { publish } from "../../test/support/platform/deploying.ts";
import { draftOf } from "../../test/support/platform/draft.ts";
import { FakePlatform } from "../../test/support/platform/fake-platform.ts";

const limits = limitsFromEnv({});
const platform = new FakePlatform();
const router = new Router({ platform, limits, print: (line) => console.error(line) });
const server = new CallServer({ router, limits });
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
let made = 0;

/** Bytes in use after a garbage collection. */
function usedBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [count, address] = line.split(" ");
  const [host, port] = address!.split(":");
  for (; made < Number(count); made++) {
    await publish(platform, draftOf(`f-${made}`, ""));
    platform.setInstances(`f-${made}`, [{ host: host!, port: Number(port) }]);
  }
  console.log(usedBytes());
}
