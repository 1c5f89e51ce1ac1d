import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { DECLARATION_KINDS } from "../platform/declarations.ts";
import { isRetryOutcome, MOST_RETRIED } from "../platform/events/retry-policy.ts";
import { isFunctionName } from "../platform/function-name.ts";
import { checkKeySpec, type KeySpec, MOST_FUNCTIONS, MOST_NAME_CHARACTERS } from "../platform/keys/key.ts";
import { SCOPES } from "../platform/keys/scopes.ts";
import { INTERNAL_PORT } from "../platform/kubernetes/cluster/routers.ts";
import { keptVersion } from "../platform/kubernetes/objects/function-resource.ts";
import { LABELS, PORT } from "../platform/kubernetes/objects/names.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { isHostName } from "../platform/settings/host-names.ts";
import { SYS_KINDS } from "../platform/settings/permissions.ts";
import { ISOLATIONS, PROGRAM_MODES, RUNTIMES } from "../platform/settings/runtime.ts";
import { defaultSettings, NUMBER_SETTINGS } from "../platform/settings/settings.ts";
import { COMMAND, POOL, PROGRAM_MEMBERS } from "../platform/settings/start.ts";
import { checkTraffic } from "../platform/traffic.ts";
import { denoRunArguments } from "../runtimes/deno/deno-flags.ts";

// biome-ignore lint/suspicious/noExplicitAny: manifests are read by path
type Any = any;

const file = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const manifests = loadAll(file("kubernetes.yaml")) as Any[];
const find = (kind: string, name: string, namespace = "skiff"): Any => {
  const found = manifests.find(
    ({ kind: each, metadata }) =>
      each === kind && metadata.name === name && (metadata.namespace ?? namespace) === namespace,
  );
  assert.ok(found, `${kind} ${namespace}/${name}`);
  return found;
};

describe("kubernetes.yaml", () => {
  it("has no member that kubectl reads as true or false, as YAML 1.1 has it", () => {
    const keys = file("kubernetes.yaml").match(/(?:^|[{,])\s*(?:on|off|yes|no|y|n)\s*:(?=\s|$)/gim);
    assert.equal(keys, null);
  });

  it("admits the outcomes in retry that Skiff admits", () => {
    const lists: Any[] = [];
    const collect = (schema: Any): void => {
      if (typeof schema !== "object" || schema === null) return;
      if (schema.retry !== undefined) lists.push(schema.retry.properties.on);
      for (const member of Object.values(schema)) collect(member);
    };
    for (const { kind, spec } of manifests) if (kind === "CustomResourceDefinition") collect(spec);
    assert.ok(lists.length >= 3);
    for (const { maxItems, items } of lists) {
      assert.equal(maxItems, MOST_RETRIED);
      const admits = (text: string) => new RegExp(items.pattern).test(text);
      const texts = ["408", "5xx", "4xx", "connection", "200", "6xx", "oops", "none", ""];
      assert.deepEqual(texts.map(admits), texts.map(isRetryOutcome));
    }
  });

  it("admits only restricted pods in both namespaces", () => {
    for (const name of ["skiff", "skiff-functions"]) {
      assert.equal(
        find("Namespace", name, name).metadata.labels["pod-security.kubernetes.io/enforce"],
        "restricted",
      );
    }
  });

  it("runs two managers, two routers and two pods of events as restricted pods with probes, requests, limits and a budget", () => {
    for (const name of ["skiff-manager", "skiff-router", "skiff-events"]) {
      const { spec } = find("Deployment", name);
      const pod = spec.template.spec;
      const [container] = pod.containers;
      assert.equal(spec.replicas, 2);
      assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0);
      assert.deepEqual([pod.securityContext.runAsNonRoot, pod.enableServiceLinks], [true, false]);
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      assert.equal(container.imagePullPolicy, "IfNotPresent");
      for (const probe of ["readinessProbe", "livenessProbe"])
        assert.ok(container[probe].httpGet.path, probe);
      assert.ok(container.resources.requests.cpu && container.resources.requests.memory);
      assert.ok(container.resources.limits.memory);
      const budget = find("PodDisruptionBudget", name).spec;
      assert.deepEqual([budget.minAvailable, budget.selector], [1, spec.selector]);
    }
  });

  it("runs the dashboard without any right on the cluster, at a host of its own, out of reach of functions", () => {
    const { spec } = find("Deployment", "skiff-dashboard");
    const pod = spec.template.spec;
    const [container] = pod.containers;
    assert.deepEqual([pod.automountServiceAccountToken, pod.serviceAccountName], [false, undefined]);
    assert.deepEqual([pod.securityContext.runAsNonRoot, pod.enableServiceLinks], [true, false]);
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.deepEqual(container.env ?? [], []);
    assert.ok(container.resources.requests.cpu && container.resources.limits.memory);
    const [{ host, http }] = find("Ingress", "skiff-dashboard").spec.rules;
    assert.equal(host, "dashboard.localhost");
    assert.deepEqual(
      http.paths.map(({ path, backend }: Any) => [path, backend.service.name]),
      [["/", "skiff-dashboard"]],
    );
    const { podSelector, ingress } = find("NetworkPolicy", "dashboard").spec;
    assert.deepEqual(podSelector, spec.selector);
    assert.deepEqual(ingress[0].from[0].namespaceSelector.matchExpressions, [
      { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["skiff-functions"] },
    ]);
  });

  it("brings one restricted PostgreSQL with a volume, to which managers and events alone may connect", () => {
    const { spec } = find("StatefulSet", "skiff-postgres");
    const { containers, securityContext, automountServiceAccountToken } = spec.template.spec;
    const [container] = containers;
    assert.deepEqual([spec.replicas, spec.serviceName], [1, "skiff-postgres"]);
    assert.deepEqual([securityContext.runAsNonRoot, automountServiceAccountToken], [true, false]);
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.ok(container.resources.requests.cpu && container.resources.limits.memory);
    const data = container.env.find(({ name }: Any) => name === "PGDATA").value;
    const [{ metadata }] = spec.volumeClaimTemplates;
    const mount = container.volumeMounts.find(({ name }: Any) => name === metadata.name);
    assert.ok(data.startsWith(`${mount.mountPath}/`), "the data is on the volume");
    const manager = find("Deployment", "skiff-manager").spec.template.spec.containers[0];
    const host = manager.env.find(({ name }: Any) => name === "SKIFF_POSTGRES").value;
    assert.equal(host, find("Service", "skiff-postgres").metadata.name);
    assert.deepEqual(find("NetworkPolicy", "postgres").spec.ingress, [
      {
        from: ["skiff-manager", "skiff-events"].map((app) => ({ podSelector: { matchLabels: { app } } })),
        ports: [{ protocol: "TCP", port: 5432 }],
      },
    ]);
  });

  it("keeps an access log of the routers among their output", () => {
    const { env } = find("Deployment", "skiff-router").spec.template.spec.containers[0];
    assert.equal(env.find(({ name }: Any) => name === "SKIFF_ACCESS_LOG").value, "stdout");
  });

  it("sends /fn to the router, what waits and events to the program of events, and the rest to the manager", () => {
    const [{ http }] = find("Ingress", "skiff").spec.rules;
    assert.deepEqual(
      http.paths.map(({ path, pathType, backend }: Any) => [path, pathType, backend.service.name]),
      [
        ["/fn", "Prefix", "skiff-router"],
        ...["/async", "/gateway", "/topic", "/flow"].map((path) => [path, "Prefix", "skiff-events"]),
        ["/", "Prefix", "skiff-manager"],
      ],
    );
  });
});

describe("the rights in kubernetes.yaml", () => {
  const roles = manifests.filter(({ kind }) => /Role$/.test(kind));

  it("are those of roles in the two namespaces, and none is for everything", () => {
    assert.ok(roles.every(({ kind }) => kind === "Role"));
    for (const { rules } of roles) {
      for (const rule of rules)
        assert.equal([...rule.verbs, ...rule.resources, ...rule.apiGroups].includes("*"), false);
    }
  });

  it("let the router read where pods are, wake, and take pods of the pool; nothing else", () => {
    const rules = find("Role", "skiff-router", "skiff-functions").rules;
    const verbs = Object.fromEntries(
      rules.map(({ resources, verbs }: Any) => [resources.join(), verbs.join()]),
    );
    assert.deepEqual(verbs, {
      "functions,keys": "list,watch",
      endpointslices: "list,watch",
      pods: "list,watch,patch",
      configmaps: "list",
      replicasets: "list,watch",
      "deployments/scale": "patch",
    });
    const bound = manifests.filter(
      ({ kind, subjects }) => kind === "RoleBinding" && subjects[0].name === "skiff-router",
    );
    assert.deepEqual(
      bound.map(({ metadata }) => metadata.namespace),
      ["skiff-functions"],
    );
  });

  it("let the manager watch the routers, which a deploy waits for", () => {
    const rules = find("Role", "skiff-manager").rules;
    assert.deepEqual(rules.find(({ resources }: Any) => resources.includes("pods")).verbs, ["list", "watch"]);
  });

  it("let the manager use the Secrets of functions, and of its own namespace read those of Skiff alone", () => {
    const inFunctions: unknown[] = [];
    for (const { metadata, rules } of roles) {
      for (const { resources, verbs, resourceNames } of rules) {
        if (!resources.includes("secrets")) continue;
        assert.equal(metadata.name, "skiff-manager");
        if (metadata.namespace === "skiff-functions") inFunctions.push([verbs, resourceNames]);
        else if (verbs.includes("create")) assert.deepEqual(verbs, ["create"]);
        else {
          assert.deepEqual(
            [verbs, resourceNames],
            [["get"], ["skiff-token", "skiff-internal", "skiff-pool", "skiff-postgres"]],
          );
        }
      }
    }
    assert.deepEqual(inFunctions, [
      [["patch"], ["skiff-pool-seed"]],
      [["get", "list", "create", "delete"], undefined],
    ]);
  });
});

describe("the Key of kubernetes.yaml", () => {
  const { names, versions } = find("CustomResourceDefinition", "keys.skiff.dev").spec;
  const { properties, required } = versions[0].schema.openAPIV3Schema.properties.spec;
  const HASH = "ab".repeat(32);
  const LEAST = { name: "ci", hash: HASH, scopes: ["call"] };

  it("is the kind of declarations that holds keys", () => {
    assert.equal(DECLARATION_KINDS[names.kind], names.plural);
  });

  it("has the scopes that there are, and exactly the members that a key may have", () => {
    assert.deepEqual(properties.scopes.items.enum, SCOPES);
    assert.equal(properties.functions.maxItems, MOST_FUNCTIONS);
    assert.equal(properties.name.maxLength, MOST_NAME_CHARACTERS);
    const at = "2030-01-01T00:00:00Z";
    const all: Required<KeySpec> = {
      ...{ name: "ci", hash: HASH, scopes: ["call"] },
      previous: { hash: HASH, until: at },
      functions: ["a"],
      expiresAt: at,
      quota: { rate: "1/s" },
      createdBy: "token",
      rotatedAt: at,
    };
    assert.deepEqual(Object.keys(properties).sort(), Object.keys(all).sort());
    assert.doesNotThrow(() => checkKeySpec({ ...all }));
  });

  it("requires what a key must have", () => {
    assert.doesNotThrow(() => checkKeySpec(LEAST));
    assert.deepEqual(required, Object.keys(LEAST));
    for (const member of required)
      assert.throws(() => checkKeySpec({ ...LEAST, [member]: undefined }), member);
  });
});

describe("the NetworkPolicies in kubernetes.yaml", () => {
  it("let calls to functions come from routers alone", () => {
    const { spec } = find("NetworkPolicy", "functions", "skiff-functions");
    assert.deepEqual(spec.podSelector, {});
    assert.deepEqual(spec.policyTypes, ["Ingress", "Egress"]);
    assert.deepEqual(spec.ingress, [
      {
        from: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "skiff" } },
            podSelector: { matchLabels: { app: "skiff-router" } },
          },
        ],
        ports: [{ protocol: "TCP", port: PORT }],
      },
    ]);
    assert.equal(spec.egress, undefined, "what is not opened elsewhere is closed");
  });

  it("let functions reach DNS and public addresses: what Deno denies, they deny as well", () => {
    const { egress, podSelector, policyTypes } = find(
      "NetworkPolicy",
      "functions-public",
      "skiff-functions",
    ).spec;
    assert.deepEqual(policyTypes, ["Egress"]);
    const closed = { key: LABELS.network, operator: "NotIn", values: ["closed"] };
    assert.deepEqual(podSelector, { matchExpressions: [closed] });
    assert.equal(egress.length, 2);
    assert.deepEqual(
      egress[0].ports.map(({ port }: Any) => port),
      [53, 53],
    );
    const [v4, v6] = egress[1].to.map(({ ipBlock }: Any) => ipBlock);
    const settings = defaultSettings(limitsFromEnv({}));
    const artifact = { path: "/b" };
    const sandbox = { settings, artifact, scratch: "/s", listen: { unix: "/s/x" }, ownAddresses: [] };
    const flag = denoRunArguments(sandbox).find((each) => each.startsWith("--deny-net="));
    const denied = flag!
      .slice(11)
      .split(",")
      .filter((range) => /^\d.*\//.test(range));
    assert.deepEqual([v4.cidr, v4.except], ["0.0.0.0/0", denied]);
    assert.equal(v6.cidr, "::/0");
    for (const range of ["fc00::/7", "fe80::/10", "::/127"]) assert.ok(v6.except.includes(range), range);
  });

  it("keep functions from the manager and from the routers' internal port", () => {
    assert.deepEqual(find("NetworkPolicy", "default").spec, { podSelector: {}, policyTypes: ["Ingress"] });
    const elsewhere = {
      namespaceSelector: {
        matchExpressions: [
          { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["skiff-functions"] },
        ],
      },
    };
    const manager = find("NetworkPolicy", "manager").spec;
    assert.deepEqual(manager.ingress, [{ from: [elsewhere], ports: [{ protocol: "TCP", port: 8080 }] }]);
    const router = find("NetworkPolicy", "router").spec;
    assert.deepEqual(router.ingress, [
      { ports: [{ protocol: "TCP", port: 8080 }] },
      { from: [elsewhere], ports: [{ protocol: "TCP", port: INTERNAL_PORT }] },
    ]);
  });
});

describe("the Function of kubernetes.yaml", () => {
  const [version] = find("CustomResourceDefinition", "functions.skiff.dev").spec.versions;
  const { spec, status } = version.schema.openAPIV3Schema.properties;

  it("bounds the settings as a deploy does", () => {
    for (const [name, { least, most }] of Object.entries(NUMBER_SETTINGS)) {
      assert.deepEqual([spec.properties[name].minimum, spec.properties[name].maximum], [least, most], name);
    }
    assert.deepEqual(spec.properties.permissions.properties.sys.items.enum, SYS_KINDS);
    for (const name of Object.keys(defaultSettings(limitsFromEnv({}))))
      assert.ok(spec.properties[name], name);
    const { runtime, program, isolation, pool } = spec.properties;
    assert.deepEqual([runtime.enum, isolation.enum], [RUNTIMES, ISOLATIONS]);
    assert.deepEqual(Object.keys(program.properties), PROGRAM_MEMBERS);
    assert.deepEqual(program.properties.mode.enum, PROGRAM_MODES);
    assert.equal(program.properties.command.maxItems, COMMAND.words);
    assert.deepEqual([pool.minimum, pool.maximum], [POOL.least, POOL.most]);
  });

  it("takes the names that a deploy takes", () => {
    const [{ rule }] = version.schema.openAPIV3Schema["x-kubernetes-validations"];
    const pattern = new RegExp(/matches\('(.+)'\)/.exec(rule)![1]!);
    for (const name of ["a", "a-b", "a".repeat(52), "a".repeat(53), "1a", "a-", "A", ""]) {
      assert.equal(pattern.test(name), isFunctionName(name), name);
    }
  });

  it("takes the host names that a deploy takes, except for those that are addresses or reserved", () => {
    const { items, maxItems } = spec.properties.hosts;
    assert.equal(maxItems, 100);
    const pattern = new RegExp(items.pattern);
    for (const name of [
      "app.example.com",
      "a",
      "a-b.c",
      "a".repeat(64),
      "A.example",
      "a..b",
      "a-.b",
      "a.b:1",
      "*.a",
      "",
    ])
      assert.equal(pattern.test(name), isHostName(name), name);
  });

  it("shows version, readiness, URL and age, and has a status of its own", () => {
    const columns = version.additionalPrinterColumns.filter(({ priority = 0 }: Any) => priority === 0);
    assert.deepEqual(
      columns.map(({ name }: Any) => name),
      ["Version", "Ready", "URL", "Age"],
    );
    assert.deepEqual(version.subresources, { status: {} });
    assert.ok(
      ["version", "versions", "conditions", "url", "lastErrors", "observedGeneration"].every(
        (key) => key in status.properties,
      ),
    );
  });

  it("keeps everything that routers must know of a version", () => {
    const secrets = { TOKEN: { secret: "token", version: 1 } };
    const more = { hosts: ["app.example.com"], access: "key" as const, quota: { rate: "1/s" }, secrets };
    const events = { cron: ["@hourly"], retry: { attempts: 3 } };
    const start = {
      runtime: "image",
      isolation: "call",
      pool: 2,
      runtimeClass: "gvisor",
      pullSecret: "registry",
    } as const;
    const settings = { ...defaultSettings(limitsFromEnv({})), ...more, ...events, ...start };
    const record = { version: 3, settings };
    const { items } = status.properties.versions;
    assert.deepEqual(Object.keys(items.properties).sort(), Object.keys(keptVersion(record)).sort());
  });

  it("takes the traffic that a route writes", () => {
    const { items, maxItems } = spec.properties.traffic;
    const most = items.properties.weight.maximum;
    const version = (number: number, weight: number) => ({ version: number, weight });
    assert.deepEqual(Object.keys(items.properties).sort(), ["version", "weight"]);
    assert.ok(maxItems > limitsFromEnv({}).versionsKept);
    checkTraffic([version(1, most)]);
    assert.throws(() => checkTraffic([version(1, most + 1)]), { code: "invalid_request" });
  });
});

describe("the images", () => {
  it("have the Deno of package.json, and the names that kubernetes.yaml has", () => {
    const { version, dependencies } = JSON.parse(file("package.json"));
    assert.match(file("client-image/Dockerfile"), new RegExp(`^ARG DENO_VERSION=${dependencies.deno}$`, "m"));
    for (const name of ["skiff-manager", "skiff-router", "skiff-events"]) {
      assert.equal(find("Deployment", name).spec.template.spec.containers[0].image, `skiff:${version}`);
    }
    const { env } = find("Deployment", "skiff-manager").spec.template.spec.containers[0];
    const image = env.find(({ name }: Any) => name === "SKIFF_CLIENT_IMAGE").value;
    assert.equal(image, `skiff-client:${version}`);
  });
});
