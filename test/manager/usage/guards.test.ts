import assert from "node:assert/strict";
import { Guards } from "../../../manager/usage/guards.ts";
import type { Guard, LogLine, Traffic } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Counted } from "../../../platform/usage/exchange.ts";
import type { AuditEntry, UsageMinute } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

const GUARD: Guard = { errorRate: 0.1, calls: 50 };
const CANARY: Traffic = [
  { version: 1, weight: 9 },
  { version: 2, weight: 1 },
];

function counted(version: number, calls: number, errors: number): Counted {
  return { function: "hello", version, calls, errors, durations: [calls], keys: {} };
}

describe("manager: guards of traffic", () => {
  let platform: FakePlatform;
  let lines: [string, LogLine][];
  let printed: string[];
  let audited: AuditEntry[];
  let minutes: UsageMinute[];

  beforeEach(async () => {
    platform = new FakePlatform();
    lines = [];
    printed = [];
    audited = [];
    minutes = [];
    for (const code of ["1", "2"]) await platform.store(draftOf("hello", code));
    await platform.route("hello", [{ version: 1, weight: 1 }]);
  });
  afterEach(() => platform.close());

  function guards(): Guards {
    return new Guards({
      platform,
      store: {
        usage: { minutes: async () => minutes },
        audit: { append: async (entry) => void audited.push(entry) },
      },
      log: (name, line) => lines.push([name, line]),
      print: (line) => printed.push(line),
    });
  }

  const traffic = () => platform.endpoints("hello")!.traffic;
  const trafficIs = (expected: Traffic) => () => JSON.stringify(traffic()) === JSON.stringify(expected);

  it("sends calls back to the other versions, saying why", async () => {
    const watching = guards();
    watching.count(counted(1, 1, 0));
    await platform.route("hello", CANARY, undefined, { guard: GUARD, sticky: { cookie: "id" } });
    watching.count(counted(1, 100, 1));
    watching.count(counted(2, 20, 8));
    await eventually("version 1 has all calls", trafficIs([{ version: 1, weight: 9 }]));
    await eventually("it is audited", () => audited.length === 1);
    const reason = "8 of its 20 calls failed, and 1 % of those of the other versions (errorRate 0.1)";
    assert.deepEqual(printed, [`version 2 of hello lost its traffic to version 1: ${reason}`]);
    const [[name, { stream, version, text }]] = lines as [[string, LogLine]];
    assert.deepEqual([name, stream, version, text], ["hello", "platform", 2, printed[0]]);
    const { by, action, target, status, detail } = audited[0]!;
    assert.deepEqual([by, action, target, status, detail], ["guard", "guard", "hello", 200, printed[0]]);
    assert.equal(watching.rollbacks, 1);
    const { sticky, guard } = (await platform.describe("hello"))!;
    assert.deepEqual([sticky, guard], [{ cookie: "id" }, undefined]);
  });

  it("sends all calls back to the version before when the fresh one has them all", async () => {
    const watching = guards();
    await platform.route("hello", [{ version: 2, weight: 1 }], undefined, { guard: GUARD });
    watching.count(counted(2, 50, 50));
    await eventually("version 1 has all calls", trafficIs([{ version: 1, weight: 1 }]));
  });

  it("leaves the traffic, saying why, where the version before has looser access", async () => {
    const strict = draftOf("hello", "3");
    await platform.store({ ...strict, settings: { ...strict.settings, access: "key" } });
    const watching = guards();
    const traffic3 = [{ version: 3, weight: 1 }];
    await platform.route("hello", traffic3, undefined, { guard: GUARD });
    watching.count(counted(3, 50, 50));
    await eventually("it is audited", () => audited.length === 1);
    assert.deepEqual(traffic(), traffic3);
    assert.match(
      printed.join(),
      /^version 3 of hello keeps its traffic although .*: version 1 has access=public.*access=key.*PUT \/func\/hello\/traffic/,
    );
    assert.deepEqual(
      lines.map(([name, { text }]) => [name, text]),
      [["hello", printed[0]]],
    );
    assert.deepEqual([audited[0]!.status, audited[0]!.detail], [409, printed[0]]);
    assert.equal(watching.rollbacks, 0);
  });

  it("lets a version be that does as well as the others, for good", async () => {
    const watching = guards();
    await platform.route("hello", CANARY, undefined, { guard: GUARD });
    watching.count(counted(1, 100, 1));
    watching.count(counted(2, 50, 1));
    watching.count(counted(2, 50, 50));
    await platform.describe("hello");
    await new Promise(setImmediate);
    assert.deepEqual(traffic(), CANARY);
  });

  it("does nothing without a guard, and forgets a removed function", async () => {
    const watching = guards();
    await platform.route("hello", CANARY);
    watching.count(counted(2, 50, 50));
    await new Promise(setImmediate);
    assert.deepEqual(traffic(), CANARY);
    await platform.remove("hello");
    watching.count(counted(2, 50, 50));
    assert.deepEqual(printed, []);
  });

  it("goes on after a restart with the calls that are stored", async () => {
    await platform.route("hello", CANARY, undefined, { guard: GUARD });
    const minute = new Date();
    minutes.push({ minute, ...counted(1, 100, 0) }, { minute, ...counted(2, 40, 5) });
    const watching = guards();
    watching.count(counted(2, 9, 0));
    await new Promise(setImmediate);
    assert.deepEqual(traffic(), CANARY);
    watching.count(counted(2, 1, 1));
    await eventually("version 1 has all calls", trafficIs([{ version: 1, weight: 9 }]));
  });

  it("does not count what a fresh version did before it came into the traffic again", async () => {
    minutes.push({ minute: new Date(), ...counted(2, 100, 100) });
    const watching = guards();
    watching.count(counted(1, 1, 0));
    await platform.route("hello", CANARY, undefined, { guard: GUARD });
    watching.count(counted(2, 1, 0));
    await platform.describe("hello");
    await new Promise(setImmediate);
    assert.deepEqual(traffic(), CANARY);
  });

  it("keeps its hands off traffic that somebody changed meanwhile", async () => {
    const watching = guards();
    await platform.route("hello", CANARY, undefined, { guard: GUARD });
    watching.count(counted(2, 1, 0));
    await new Promise(setImmediate);
    platform.route = async () => {
      throw new Problem("precondition_failed", "The current version is another one.");
    };
    watching.count(counted(2, 49, 49));
    await eventually("it is audited", () => audited.length === 1);
    assert.match(printed[0]!, /^version 2 of hello keeps its traffic although .* another one\.$/);
    assert.deepEqual([audited[0]!.status, audited[0]!.detail], [412, printed[0]]);
  });

  it("tries again until the platform takes the traffic back, and reports the failure once", async () => {
    const watching = guards();
    await platform.route("hello", CANARY, undefined, { guard: GUARD });
    watching.count(counted(2, 1, 0));
    await new Promise(setImmediate);
    const { route } = platform;
    let tries = 0;
    platform.route = async (...parameters) => {
      if (++tries < 3)
        throw new Problem("platform_unavailable", "The API server is away.", { retryAfterS: 1 });
      return route.apply(platform, parameters);
    };
    watching.count(counted(2, 49, 49));
    await eventually(
      "version 1 has all calls",
      () => {
        // What comes since does not save it.
        watching.count(counted(2, 100, 0));
        return trafficIs([{ version: 1, weight: 9 }])();
      },
      10_000,
    );
    await eventually("both are audited", () => audited.length === 2);
    assert.equal(tries, 3);
    assert.match(printed[0]!, /^version 2 of hello keeps its traffic although .* The API server is away\.$/);
    assert.match(printed[1]!, /^version 2 of hello lost its traffic to version 1: /);
    assert.deepEqual(
      audited.map(({ status, detail }) => [status, detail]),
      [
        [503, printed[0]],
        [200, printed[1]],
      ],
    );
    assert.equal(watching.rollbacks, 1);
  });
});
