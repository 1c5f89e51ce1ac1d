/** `npm run bench`: measures all figures of docs/benchmarks.md for one machine, with the peers in the same run. */
import { benchLeaks } from "./leaks.ts";
import { benchManyRoutes } from "./many-functions.ts";
import { benchMixedProcess } from "./mixed-process.ts";
import { benchOverload } from "./overload.ts";
import { benchPeers } from "./peers.ts";
import { benchCommands } from "./programs/commands.ts";
import { benchIsolation } from "./programs/isolation.ts";
import { benchPrograms } from "./programs/per-call.ts";
import { benchInstanceCost } from "./requests/instance-cost.ts";
import { benchRequests } from "./requests/requests.ts";
import { benchRest } from "./start/rest.ts";
import { benchStartUp } from "./start-up.ts";
import { benchBulk, benchColdBurst, benchManyFunctions, benchRedeploys } from "./steadiness.ts";
import { printTable } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";
import { has } from "./tools/wrk.ts";
import { benchWorkers } from "./workers.ts";

/** Allows the bodies of the bulk transfer, which exceed the default limit. */
const skiff = await SkiffProcess.start({ SKIFF_MAX_BODY: "2Gi" });
try {
  printTable("Start-up", await benchStartUp(skiff));
  printTable("Steadiness", [
    await benchRedeploys(skiff),
    await benchColdBurst(skiff),
    ...(await benchBulk(skiff)),
    ...(await benchManyFunctions(skiff)),
  ]);
  printTable("Overload", await benchOverload(skiff));
} finally {
  await skiff.close();
}
printTable("Programs", await benchPrograms());
const plain = await SkiffProcess.start();
try {
  printTable("Commands", await benchCommands(plain));
  printTable("An instance for each call", await benchIsolation(plain));
} finally {
  await plain.close();
}
printTable("Start and rest", await benchRest());
printTable("Leaks", await benchLeaks());
printTable("A router with many functions", await benchManyRoutes(5));
printTable("Throughput and latency of small GETs", await benchPeers(7));
// The figures need a peer to compare with.
if (has("wrk", "-v") && has("nginx", "-v")) {
  printTable("Requests that people send, at 32 connections", await benchRequests(5));
  printTable("The same in the instance, on its own socket", await benchInstanceCost(5));
  printTable("A process that has seen everything", [await benchMixedProcess(11)]);
  printTable("One worker and two", await benchWorkers(5));
}
