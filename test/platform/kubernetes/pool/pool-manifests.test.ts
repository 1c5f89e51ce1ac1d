import assert from "node:assert/strict";
import { keptVersion } from "../../../../platform/kubernetes/objects/function-resource.ts";
import { podTemplate } from "../../../../platform/kubernetes/objects/pod-template.ts";
import { poolKeys } from "../../../../platform/kubernetes/pool/pool-keys.ts";
import { fitsPool, runsInPlace } from "../../../../platform/kubernetes/pool/pool-load.ts";
import {
  poolDeploymentManifest,
  poolSecretManifest,
} from "../../../../platform/kubernetes/pool/pool-manifests.ts";
import { newRecord } from "../../../../platform/kubernetes/versions/versions.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { defaultSettings, type Settings } from "../../../../platform/settings/settings.ts";
import { draftOf } from "../../../support/platform/draft.ts";

const LIMITS = limitsFromEnv({});
const OPTIONS = { image: "skiff-client:1", limits: LIMITS, cpuRequest: "50m" };

// biome-ignore lint/suspicious/noExplicitAny: manifests are read by path
type Any = any;

function templateOfFunction(): Any {
  const draft = draftOf("hello", "export default () => 1;");
  const parts = { sourceType: "text/typescript", bundleParts: 1, sourceParts: 1 } as const;
  return podTemplate(newRecord(draft, { version: 1, createdAt: new Date(0), ...parts }), OPTIONS);
}

describe("the pods of the pool", () => {
  const { spec }: Any = poolDeploymentManifest({ ...OPTIONS, size: 2, keys: poolKeys("secret") });
  const [container] = spec.template.spec.containers;
  const [init] = spec.template.spec.initContainers;
  const volume = (name: string) => spec.template.spec.volumes.find((each: Any) => each.name === name);

  it("are as those of a function with default settings in all that cannot be changed later", () => {
    const { containers: ours, initContainers: _, volumes: __, ...all } = spec.template.spec;
    const { topologySpreadConstraints: ___, ...pod } = all;
    const { containers, volumes: ____, hostname, subdomain, ...expected } = templateOfFunction().spec;
    assert.deepEqual(pod, expected);
    const { command, args: a, env: b, volumeMounts: c, ...same } = ours[0];
    const { args: d, env: e, volumeMounts: f, ...wanted } = containers[0];
    assert.deepEqual(same, wanted);
    assert.deepEqual(command, ["/bin/sh", "/skiff/pool.sh"]);
    for (const part of [a, b, c, d, e, f]) assert.ok(part.length > 0);
    assert.deepEqual([hostname, subdomain], ["v1", "hello-service"]);
  });

  it("are spread over nodes, and of no function", () => {
    assert.deepEqual(spec.selector, { matchLabels: { app: "skiff-pool" } });
    const labels = {
      "app.kubernetes.io/managed-by": "skiff",
      app: "skiff-pool",
      "skiff.dev/pool": "free",
    };
    assert.deepEqual(spec.template.metadata.labels, labels);
    assert.equal(spec.template.spec.topologySpreadConstraints[0].topologyKey, "kubernetes.io/hostname");
  });

  it("know who they are, and read and remove the key, which their function does not find", () => {
    const { pool } = JSON.parse(container.env.find(({ name }: Any) => name === "SKIFF_START").value);
    assert.equal(pool.uid, "$(SKIFF_POD_UID)");
    assert.deepEqual(container.env[0].valueFrom, { fieldRef: { fieldPath: "metadata.uid" } });
    for (const flag of ["--allow-read=", "--allow-write="]) {
      const [paths = ""] = container.args.filter((each: string) => each.startsWith(flag));
      assert.ok(paths.slice(flag.length).split(",").includes(pool.key), flag);
    }
    const { ours, pods } = poolKeys("secret");
    assert.equal(pool.verifyPublic, Buffer.from(pods.verifyPublic).toString("base64"));
    for (const secret of [ours.seed, ours.signPrivate]) {
      assert.equal(JSON.stringify(spec).includes(Buffer.from(secret).toString("base64")), false);
    }
  });

  it("show the seed to their init container alone, which leaves the key in memory that is bounded", () => {
    assert.deepEqual(
      container.volumeMounts.map(({ name }: Any) => name),
      ["key", "work", "scratch"],
    );
    assert.deepEqual(init.volumeMounts, [
      { name: "seed", mountPath: "/skiff/seed", readOnly: true },
      { name: "key", mountPath: "/skiff/key" },
    ]);
    assert.deepEqual(volume("key").emptyDir, { medium: "Memory", sizeLimit: "64Ki" });
    assert.deepEqual(init.args.slice(-4), [
      "/skiff/pod-key.mjs",
      "$(SKIFF_POD_UID)",
      "/skiff/seed/seed",
      "/skiff/key/own",
    ]);
    for (const same of ["image", "resources", "securityContext"]) {
      assert.deepEqual(init[same], container[same], same);
    }
  });

  it("have a Secret with the seed alone, which no load can be signed with", () => {
    const { data, metadata }: Any = poolSecretManifest(poolKeys("secret"));
    // Not `skiff-pool`, which function containers of the version before mount: a seed there would appear in them.
    assert.deepEqual([metadata.namespace, metadata.name], ["skiff-functions", "skiff-pool-seed"]);
    assert.equal(volume("seed").secret.secretName, metadata.name);
    const { ours } = poolKeys("secret");
    assert.deepEqual(data, { seed: Buffer.from(ours.seed).toString("base64") });
    assert.notDeepEqual(ours.seed, ours.signPrivate.subarray(-32));
    assert.notDeepEqual(poolKeys("other"), poolKeys("secret"));
    assert.deepEqual(poolKeys("secret"), poolKeys("secret"));
  });

  it("are made anew when the installation has another secret", () => {
    const other = poolDeploymentManifest({ ...OPTIONS, size: 2, keys: poolKeys("other") });
    assert.equal(JSON.stringify(other).includes(JSON.stringify(spec.template)), false);
  });
});

describe("a function and the pool", () => {
  const settings = (changes: Partial<Settings>): Settings => ({ ...defaultSettings(LIMITS), ...changes });

  it("fit where what is fixed in a pod is what the function asks for", () => {
    const fitting: Partial<Settings>[] = [
      {},
      { env: { A: "1" }, min: 2, max: 3, concurrency: 1, idleMs: 1_000 },
      { permissions: { net: [], sys: ["cpus"] } },
      { timeoutMs: 1_000 },
    ];
    const needs = (changes: Partial<Settings>) => keptVersion({ version: 1, settings: settings(changes) });
    for (const changes of fitting) assert.equal(fitsPool(needs(changes), LIMITS), true);
    const others: Partial<Settings>[] = [
      { memoryMiB: 129 },
      { memoryMiB: 64 },
      { timeoutMs: 60_001 },
      { permissions: { net: ["public", "10.0.0.0/8"], sys: [] } },
    ];
    for (const changes of others) {
      assert.equal(fitsPool(needs(changes), LIMITS), false);
    }
  });

  it("share a process where the function has the permissions of the process that waits", () => {
    assert.equal(runsInPlace(settings({ min: 1, concurrency: 1, timeoutMs: 1_000 }), LIMITS), true);
    assert.equal(runsInPlace(settings({ env: { A: "1" } }), LIMITS), false);
    assert.equal(runsInPlace(settings({ permissions: { net: ["10.0.0.1"], sys: [] } }), LIMITS), false);
    assert.equal(runsInPlace(settings({ permissions: { net: ["public"], sys: ["cpus"] } }), LIMITS), false);
  });
});
