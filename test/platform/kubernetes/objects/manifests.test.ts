import assert from "node:assert/strict";
import {
  autoscalerManifest,
  deploymentManifest,
  egressManifest,
  ownerReference,
  partManifest,
  serviceManifest,
} from "../../../../platform/kubernetes/objects/manifests.ts";
import { literal } from "../../../../platform/kubernetes/objects/pod-parts.ts";
import { podTemplate } from "../../../../platform/kubernetes/objects/pod-template.ts";
import { newRecord, type VersionRecord } from "../../../../platform/kubernetes/versions/versions.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import type { Settings } from "../../../../platform/settings/settings.ts";
import { draftOf } from "../../../support/platform/draft.ts";

const LIMITS = limitsFromEnv({});
const OWNER = { name: "hello", uid: "u-1" };
const OPTIONS = { owner: OWNER, image: "skiff-client:1", limits: LIMITS, cpuRequest: "50m" };

function record(settings: Partial<Settings> = {}, bundleParts = 1): VersionRecord {
  const draft = draftOf("hello", "export default () => 1;", settings);
  const createdAt = new Date("2030-01-02T03:04:05.678Z");
  return newRecord(draft, {
    version: 7,
    createdAt,
    sourceType: "text/typescript",
    bundleParts,
    sourceParts: 1,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: manifests are read by path
type Any = any;
const template = (settings?: Partial<Settings>, parts?: number): Any =>
  podTemplate(record(settings, parts), OPTIONS);

describe("the manifests of a version", () => {
  it("all belong to the Function, which takes them along", () => {
    const reference = {
      apiVersion: "skiff.dev/v1",
      kind: "Function",
      name: "hello",
      uid: "u-1",
      controller: true,
      blockOwnerDeletion: true,
    };
    assert.deepEqual(ownerReference(OWNER), reference);
    const manifests: Any[] = [
      deploymentManifest(record(), OPTIONS),
      serviceManifest(OPTIONS),
      autoscalerManifest(record(), { ...OPTIONS, takesCalls: true }),
      partManifest(record(), { part: "bundle", index: 0, bytes: Buffer.from("x") }, OPTIONS),
    ];
    for (const { metadata, kind } of manifests) {
      assert.deepEqual(metadata.ownerReferences, [reference], kind);
      assert.equal(metadata.namespace, "skiff-functions");
      assert.equal(metadata.labels["skiff.dev/function"], "hello");
    }
    const [hash] = [record().hash.slice(0, 8)];
    assert.deepEqual(
      manifests.map(({ metadata }) => metadata.name),
      ["hello.v7", "hello-service", "hello.v7", `hello-v7-${hash}-0`],
    );
  });

  it("carry code in immutable ConfigMaps, described by the first", () => {
    const first: Any = partManifest(
      record(),
      { part: "bundle", index: 0, bytes: Buffer.from([1, 2]) },
      OPTIONS,
    );
    assert.deepEqual([first.immutable, first.binaryData], [true, { part: "AQI=" }]);
    assert.equal(first.metadata.annotations["skiff.dev/created-at"], "2030-01-02T03:04:05.678Z");
    assert.equal(first.metadata.annotations["skiff.dev/parts"], "1/1");
    const later = { bytes: Buffer.from([3]) };
    const second: Any = partManifest(record({}, 2), { part: "bundle", index: 1, ...later }, OPTIONS);
    assert.equal(second.metadata.annotations, undefined);
    const source: Any = partManifest(record({}, 2), { part: "source", index: 2, ...later }, OPTIONS);
    assert.equal(source.metadata.annotations["skiff.dev/parts"], "2/1", "either may be lost");
    assert.equal(source.metadata.labels["skiff.dev/part"], "source");
  });

  it("keep as many pods ready when the client image changes, and leave their number to others", () => {
    const { spec }: Any = deploymentManifest(record(), OPTIONS);
    assert.deepEqual(spec.strategy, {
      type: "RollingUpdate",
      rollingUpdate: { maxUnavailable: 0, maxSurge: "100%" },
    });
    assert.equal("replicas" in spec, false);
    assert.deepEqual(spec.selector, {
      matchLabels: { "skiff.dev/function": "hello", "skiff.dev/version": "7" },
    });
  });

  it("scale on 75 % CPU between max(1, min) and max; min counts for versions with traffic", () => {
    const bounds = (settings: Partial<Settings>, takesCalls = true) => {
      const { spec }: Any = autoscalerManifest(record(settings), { ...OPTIONS, takesCalls });
      return [spec.minReplicas, spec.maxReplicas];
    };
    assert.deepEqual(bounds({}), [1, 10]);
    assert.deepEqual(bounds({ min: 3, max: 5 }), [3, 5]);
    assert.deepEqual(bounds({ min: 3, max: 5 }, false), [1, 5]);
    const { spec }: Any = autoscalerManifest(record(), { ...OPTIONS, takesCalls: true });
    assert.deepEqual(spec.metrics, [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 75 } },
      },
    ]);
    assert.deepEqual(spec.scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: "hello.v7" });
  });
});

describe("the NetworkPolicy of a version", () => {
  const egress = (...net: string[]): Any =>
    egressManifest(record({ permissions: { net, sys: [] } }), OPTIONS) as Any;

  it("is left out where net lists public addresses and names only", () => {
    assert.equal(egress("public", "api.example.com", "db.internal:5432"), undefined);
    assert.equal(egress(), undefined);
  });

  it("lets through the private addresses that the function lists, and their ports", () => {
    const { spec, metadata } = egress("public", "10.0.0.0/8", "192.168.1.7:5432", "[fd00::1]");
    assert.equal(metadata.name, "hello.v7");
    assert.deepEqual(spec, {
      podSelector: { matchLabels: { "skiff.dev/function": "hello", "skiff.dev/version": "7" } },
      policyTypes: ["Egress"],
      egress: [
        { to: [{ ipBlock: { cidr: "10.0.0.0/8" } }] },
        { to: [{ ipBlock: { cidr: "192.168.1.7/32" } }], ports: [{ protocol: "TCP", port: 5432 }] },
        { to: [{ ipBlock: { cidr: "fd00::1/128" } }] },
      ],
    });
  });
});

describe("the pod of a version", () => {
  it("meets the restricted Pod Security level and has no way to the API server", () => {
    const { spec } = template();
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.enableServiceLinks, false);
    assert.equal(spec.securityContext.runAsNonRoot, true);
    assert.deepEqual(spec.securityContext.seccompProfile, { type: "RuntimeDefault" });
    assert.deepEqual(spec.containers[0].securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    const allowed = ["projected", "emptyDir"];
    for (const { name, ...source } of spec.volumes)
      assert.ok(allowed.includes(Object.keys(source)[0]!), name);
    for (const key of ["hostNetwork", "hostPID", "hostIPC", "serviceAccountName"])
      assert.equal(key in spec, false);
  });

  it("tells its version to EndpointSlices by host name and subdomain", () => {
    const { spec, metadata } = template();
    assert.deepEqual([spec.hostname, spec.subdomain], ["v7", "hello-service"]);
    assert.equal(metadata.labels["skiff.dev/version"], "7");
  });

  it("mounts the parts of the bundle, in the order in which they are joined", () => {
    const { sources } = template({}, 3).spec.volumes[0].projected;
    const hash = record({}, 3).hash.slice(0, 8);
    assert.deepEqual(
      sources.map(({ configMap }: Any) => [configMap.name, configMap.items[0].path]),
      [0, 1, 2].map((index) => [`hello-v7-${hash}-${index}`, `0000${index}`]),
    );
  });

  it("is left alone for as long as a call and its stream may take when it is to end", () => {
    assert.equal(template({ timeoutMs: 60_000 }).spec.terminationGracePeriodSeconds, 363);
    assert.equal(template({ timeoutMs: 100 }).spec.terminationGracePeriodSeconds, 304);
    assert.deepEqual(template().spec.containers[0].lifecycle, { preStop: { sleep: { seconds: 2 } } });
  });

  it("is taken for stuck only when it is later than any call may be", () => {
    const livenessMs = (timeoutMs: number) => {
      const { periodSeconds, failureThreshold } = template({ timeoutMs }).spec.containers[0].livenessProbe;
      return periodSeconds * failureThreshold * 1_000;
    };
    assert.ok(livenessMs(100) > LIMITS.startMs);
    assert.ok(livenessMs(600_000) > 600_000);
  });

  it("has the function's memory and what Deno needs besides as its limit, in the server's own form", () => {
    const memory = (memoryMiB: number) => template({ memoryMiB }).spec.containers[0].resources.limits.memory;
    assert.deepEqual([memory(128), memory(960)], ["192Mi", "1Gi"]);
  });

  it("listens on the one address that is not denied, and denies the rest of its range", () => {
    const args: string[] = template().spec.containers[0].args;
    const denied = args
      .find((each) => each.startsWith("--deny-net="))!
      .slice(11)
      .split(",");
    assert.equal(denied.includes("0.0.0.0/32"), false);
    assert.ok(denied.includes("0.0.0.1/32"));
    for (const range of ["10.0.0.0/8", "198.18.0.0/15", "169.254.0.0/16"])
      assert.ok(denied.includes(range), range);
    assert.equal(args.at(-1), "/skiff/runtime.mjs");
  });

  it("has the function's variables as they are, whatever Kubernetes would make of them", () => {
    const env: { name: string; value: string }[] = template({ env: { A: "$(HOME) $$ $x" } }).spec
      .containers[0].env;
    assert.equal(env.find(({ name }) => name === "A")?.value, "$$(HOME) $$$$ $$x");
    const message = JSON.parse(env.find(({ name }) => name === "SKIFF_START")!.value);
    assert.deepEqual(message, {
      bundle: "file:///work/bundle.mjs",
      parts: "/skiff/parts",
      listen: { port: 8000 },
      function: { name: "hello", version: 7 },
      concurrency: 100,
      env: ["A", "TMPDIR", "HOME"],
    });
  });

  it("refers to the values of secrets, which stay in their Secrets", () => {
    const secrets = { TOKEN: { secret: "api-token", version: 3 } };
    const { containers } = template({ secrets, env: { A: "a" } }).spec;
    const env: { name: string; value?: string; valueFrom?: object }[] = containers[0].env;
    assert.deepEqual(
      env.find(({ name }) => name === "TOKEN"),
      {
        name: "TOKEN",
        valueFrom: { secretKeyRef: { name: "skiff-secret-api-token.v3", key: "value" } },
      },
    );
    const message = JSON.parse(env.find(({ name }) => name === "SKIFF_START")!.value!);
    assert.deepEqual(message.env, ["A", "TOKEN", "TMPDIR", "HOME"]);
    const flags: string[] = containers[0].args;
    assert.ok(
      flags
        .find((flag) => flag.startsWith("--allow-env="))!
        .split(",")
        .includes("TOKEN"),
    );
  });

  it("has no code among its variables", () => {
    assert.equal(JSON.stringify(template()).includes("export default"), false);
  });
});

describe("literal", () => {
  it("doubles every dollar, which Kubernetes halves", () => {
    assert.deepEqual(["", "a", "$", "$$", "$(A)"].map(literal), ["", "a", "$$", "$$$$", "$$(A)"]);
  });
});
