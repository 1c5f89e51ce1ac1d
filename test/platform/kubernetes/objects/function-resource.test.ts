import assert from "node:assert/strict";
import type {
  FunctionResource,
  FunctionSpec,
  FunctionStatus,
} from "../../../../platform/kubernetes/cluster/resources.ts";
import {
  inlineSourceHash,
  keptVersion,
  keptVersions,
  trafficOf,
} from "../../../../platform/kubernetes/objects/function-resource.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { defaultSettings, type Settings } from "../../../../platform/settings/settings.ts";
import { sourceHash } from "../../../../platform/version-hash.ts";

const LIMITS = limitsFromEnv({});
const kept = (version: number, settings: Partial<Settings> = {}) =>
  keptVersion({ version, settings: { ...defaultSettings(LIMITS), ...settings } });
const resource = (spec: FunctionSpec, status?: FunctionStatus): FunctionResource => ({
  metadata: { name: "a" },
  spec,
  ...(status ? { status } : {}),
});
const versions = [kept(1), kept(2)];

describe("the versions of a Function", () => {
  it("are those of its status, without variables, which routers need not know", () => {
    const version = kept(3, { env: { SECRET: "x" }, permissions: { net: ["10.0.0.1"], sys: ["cpus"] } });
    assert.equal(JSON.stringify(version).includes("SECRET"), false);
    assert.deepEqual(version.net, ["10.0.0.1"]);
    assert.deepEqual(keptVersions(resource({}, { versions: [version] }), LIMITS), [version]);
  });

  it("are none before the first was stored", () => {
    assert.deepEqual(keptVersions(resource({ version: 1 }), LIMITS), []);
  });

  it("include the current one of an older Skiff, which lists none, with the settings of spec", () => {
    const spec = { version: 2, concurrency: 7, permissions: { net: ["public"] } };
    const unlisted = { ...kept(2), concurrency: 7, net: ["public"] };
    assert.deepEqual(keptVersions(resource(spec, { version: 2 }), LIMITS), [unlisted]);
    const events = { cron: ["@hourly"], retry: { attempts: 3 } };
    const front = { access: "key", quota: { rate: "5/s" }, hosts: ["a.example"], ...events } as const;
    const [closed] = keptVersions(resource({ ...spec, ...front }, { version: 2 }), LIMITS);
    assert.deepEqual(closed, { ...unlisted, ...front });
    const listed = keptVersions(resource(spec, { version: 2, versions: [kept(1), kept(3)] }), LIMITS);
    assert.deepEqual(listed, [kept(1), unlisted, kept(3)]);
  });
});

describe("the traffic of a Function", () => {
  const whole = (version: number) => [{ version, weight: 1 }];

  it("is all for spec.version, or the shares of spec.traffic", () => {
    const traffic = [
      { version: 1, weight: 9 },
      { version: 2, weight: 1 },
    ];
    assert.deepEqual(trafficOf(resource({ version: 2 }), versions), whole(2));
    assert.deepEqual(trafficOf(resource({ version: 1, traffic }), versions), traffic);
    assert.deepEqual(trafficOf(resource({}), versions), []);
  });

  it("leaves out versions that are not there", () => {
    const traffic = [...whole(1), ...whole(7)];
    assert.deepEqual(trafficOf(resource({ version: 1, traffic }), versions), whole(1));
  });

  it("is what served last while spec names no version that is there", () => {
    assert.deepEqual(trafficOf(resource({ version: 7 }, { version: 2 }), versions), whole(2));
    assert.deepEqual(trafficOf(resource({}, { version: 2 }), versions), whole(2));
    assert.deepEqual(trafficOf(resource({ version: 7 }, { version: 8 }), versions), []);
  });
});

describe("the hash of an inline source", () => {
  it("is that of the same source when it is posted", async () => {
    const posted = { type: "text/typescript", bytes: Buffer.from("é") } as const;
    assert.equal(inlineSourceHash({ source: "é" }), await sourceHash(posted));
    assert.equal(inlineSourceHash({}), undefined);
  });
});
