import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InstanceWatch, type WatchedInstance } from "../../../../platform/local/instances/instance-watch.ts";
import { LateProbe, probe } from "../../../../platform/local/instances/probe.ts";
import { eventually } from "../../../support/eventually.ts";
import { draftOf } from "../../../support/platform/draft.ts";

describe("the watch over an instance", () => {
  let folder: string;
  let server: Server;
  let watch: InstanceWatch;
  let probes: number;
  let killed: string[];
  let usedMiB: number | undefined;
  let ask: typeof probe;
  let isForeign: boolean;
  let socket: string;
  /** What becomes of the probe with this number, from 1. */
  let outcome: (number: number) => "answered" | "broken" | "refused" | "silent";

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-watch-"));
    probes = 0;
    usedMiB = undefined;
    killed = [];
    server = createServer((request, response) => {
      const what = outcome(++probes);
      if (what === "broken") request.socket.destroy();
      else if (what !== "silent") response.writeHead(what === "answered" ? 204 : 500).end();
    });
    server.listen(join(folder, "sock"));
    await once(server, "listening");
    ask = probe;
    isForeign = false;
    socket = "sock";
    const instance: WatchedInstance = {
      resources: {
        measure: () => usedMiB,
        usedMiB: undefined,
        processor: () => undefined,
        threadDemand: () => new Map(),
        yieldProcessor: () => {},
      },
      get address() {
        return { unix: join(folder, socket) };
      },
      get isForeign() {
        return isForeign;
      },
      settings: draftOf("a", "", { timeoutMs: 100 }).settings,
      readyAtMs: performance.now(),
      stopping: false,
      kill: (because) => killed.push(because),
      endOutOfMemory: (because) => killed.push(because),
    };
    const times = { tickMs: 5, probeEveryMs: 10, probeAtLeastMs: 200 };
    watch = new InstanceWatch(
      { instances: () => [instance], tick: () => {}, probe: (...args) => ask(...args) },
      times,
    );
  });

  afterEach(async () => {
    watch.close();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    rmSync(folder, { recursive: true, force: true });
  });

  it("does not mind a probe that fails now and then", async () => {
    outcome = (number) => (number % 2 === 1 ? "broken" : "answered");
    await eventually("ten probes", () => probes >= 10);
    assert.deepEqual(killed, []);
  });

  it("ends it after two failures in a row, and says how they failed", async () => {
    outcome = (number) => (number < 3 ? "answered" : "broken");
    await eventually("it is ended", () => killed.length > 0);
    assert.equal(probes, 4);
    assert.equal(killed[0], "was stopped: 2 health probes in a row failed: socket hang up");
  });

  it("says what it answered instead", async () => {
    outcome = () => "refused";
    await eventually("it is ended", () => killed.length > 0);
    assert.equal(killed[0], "was stopped: 2 health probes in a row failed: the answer was 500");
  });

  it("ends it when it does not answer in time, once", async () => {
    outcome = () => "silent";
    await eventually("it is ended", () => killed.length > 0);
    assert.equal(probes, 1);
    assert.equal(killed[0], "was stopped: it did not answer its health probe for 200 ms");
  });

  it("only connects to a foreign server, which sees no request", async () => {
    isForeign = true;
    let connections = 0;
    server.on("connection", () => connections++);
    await eventually("ten connections", () => connections >= 10);
    assert.equal(probes, 0);
    assert.deepEqual(killed, []);
  });

  it("takes any answer of a foreign server at its start", async () => {
    outcome = () => "refused";
    watch.close();
    await probe({ address: { unix: join(folder, "sock") }, isForeign: true }, 1_000);
    assert.equal(probes, 1);
  });

  it("leaves a foreign server alone whose backlog is full: it may serve one call at a time", async () => {
    isForeign = true;
    let asked = 0;
    ask = async () => {
      asked++;
      throw new LateProbe("no answer");
    };
    await eventually("ten probes", () => asked >= 10);
    assert.deepEqual(killed, []);
  });

  it("ends a foreign server that accepts no connection", async () => {
    isForeign = true;
    socket = "gone";
    await eventually("it is ended", () => killed.length > 0);
    assert.match(killed[0]!, /^was stopped: 2 health probes in a row failed: connect ENOENT/);
  });

  for (const code of ["EMFILE", "ENFILE", "ENOMEM"]) {
    it(`does not hold it against an instance that Skiff itself has no means to ask it (${code})`, async () => {
      outcome = () => "answered";
      let asked = 0;
      ask = async () => {
        asked++;
        throw Object.assign(new Error(`connect ${code}`), { code });
      };
      await eventually("ten probes", () => asked >= 10);
      assert.deepEqual(killed, []);
    });
  }

  it("ends it when it is over its limit of memory, and says so", async () => {
    outcome = () => "answered";
    usedMiB = 128;
    await eventually("five probes", () => probes >= 5);
    assert.deepEqual(killed, []);
    usedMiB = 129;
    await eventually("it is ended", () => killed.length > 0);
    assert.equal(killed[0], "was stopped: it used 129 MiB, over its limit of 128 MiB (setting memoryMiB)");
  });
});
