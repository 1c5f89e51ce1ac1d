import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { DECLARATION_KINDS } from "../../platform/declarations.ts";
import type { RetrySpec } from "../../platform/events/retry-policy.ts";
import type {
  ScheduledCall,
  ScheduledEvent,
  ScheduledRun,
  ScheduleSpec,
} from "../../platform/events/schedule-spec.ts";
import type { EventFilter, SubscriptionSpec } from "../../platform/events/subscription-spec.ts";
import type { TopicSpec } from "../../platform/events/topic-spec.ts";

// biome-ignore lint/suspicious/noExplicitAny: manifests are read by path
type Any = any;

const manifests = loadAll(readFileSync(new URL("../../kubernetes.yaml", import.meta.url), "utf8")) as Any[];
const definitions = manifests.filter(({ kind }) => kind === "CustomResourceDefinition");
const versionOf = (kind: string) => {
  const { versions } = definitions.find(({ spec }) => spec.names.kind === kind).spec;
  assert.equal(versions.length, 1);
  return versions[0];
};
const specOf = (kind: string) => versionOf(kind).schema.openAPIV3Schema.properties.spec;
/** With every member, so that a new one must be added here and to the schema. */
const membersOf = <T>(all: Record<keyof Required<T>, true>) => Object.keys(all).sort();

describe("kubernetes.yaml", () => {
  it("defines each kind of declarations, and lets managers write them", () => {
    const kinds = Object.fromEntries(
      definitions
        .filter(({ spec }) => spec.names.kind !== "Function")
        .map(({ spec }) => [spec.names.kind, spec.names.plural]),
    );
    assert.deepEqual(kinds, DECLARATION_KINDS);
    const role = manifests.find(
      ({ kind, metadata }) =>
        kind === "Role" && metadata.name === "skiff-manager" && metadata.namespace === "skiff-functions",
    );
    const [{ resources }] = role.rules;
    assert.deepEqual([...resources].sort(), ["functions", ...Object.values(DECLARATION_KINDS)].sort());
  });

  const retry = membersOf<RetrySpec>({ attempts: true, backoff: true, maxAge: true, on: true });

  it("has the members of a topic", () => {
    const members = { paths: true, replyTimeout: true, access: true, keepFor: true } as const;
    const more = { keepBytes: true, maxEvent: true } as const;
    const { properties } = specOf("Topic");
    assert.deepEqual(Object.keys(properties).sort(), membersOf<TopicSpec>({ ...members, ...more }));
  });

  it("has the members of a subscription", () => {
    const { properties } = specOf("Subscription");
    const target = { topic: true, function: true, url: true, flow: true, path: true } as const;
    const order = { order: true, orderBy: true, filter: true, retry: true, concurrency: true } as const;
    const rest = { group: true, from: true, replies: true, replyTo: true, paused: true } as const;
    assert.deepEqual(
      Object.keys(properties).sort(),
      membersOf<SubscriptionSpec>({ ...target, ...order, ...rest }),
    );
    const filter = { exact: true, prefix: true, suffix: true, all: true, any: true, not: true } as const;
    assert.deepEqual(Object.keys(properties.filter.properties).sort(), membersOf<EventFilter>(filter));
    assert.deepEqual(Object.keys(properties.retry.properties).sort(), retry);
  });

  it("has the members of a schedule", () => {
    const { properties } = specOf("Schedule");
    const times = { cron: true, timeZone: true, overlap: true, missed: true, jitter: true } as const;
    const rest = { call: true, event: true, run: true, paused: true } as const;
    assert.deepEqual(Object.keys(properties).sort(), membersOf<ScheduleSpec>({ ...times, ...rest }));
    const request = { function: true, method: true, path: true, headers: true } as const;
    assert.deepEqual(
      Object.keys(properties.call.properties).sort(),
      membersOf<ScheduledCall>({ ...request, body: true, retry: true }),
    );
    assert.deepEqual(Object.keys(properties.call.properties.retry.properties).sort(), retry);
    assert.deepEqual(
      Object.keys(properties.event.properties).sort(),
      membersOf<ScheduledEvent>({ topic: true, type: true, attributes: true, data: true }),
    );
    assert.deepEqual(
      Object.keys(properties.run.properties).sort(),
      membersOf<ScheduledRun>({ flow: true, input: true }),
    );
  });

  it("shows what people look for, from a status of its own", () => {
    const shown = (kind: string) => {
      const { additionalPrinterColumns, subresources } = versionOf(kind);
      assert.deepEqual(subresources, { status: {} });
      return additionalPrinterColumns
        .filter(({ priority = 0 }: Any) => priority === 0)
        .map(({ name }: Any) => name)
        .join();
    };
    assert.equal(shown("Topic"), "Access,Events,Ready,Age");
    assert.equal(shown("Subscription"), "Topic,Function,Group,Lag,Dead,Ready,Age");
    assert.equal(shown("Schedule"), "Cron,Zone,Next,Last,Ready,Age");
    assert.equal(shown("Flow"), "Version,Runs,Last,State,Ready,Age");
  });
});

describe("the program of events in kubernetes.yaml", () => {
  const find = (kind: string, name: string, namespace = "skiff"): Any =>
    manifests.find(
      (each) => each.kind === kind && each.metadata.name === name && each.metadata.namespace === namespace,
    );
  const { env } = find("Deployment", "skiff-events").spec.template.spec.containers[0];
  const secretOf = (variable: string) =>
    env.find(({ name }: Any) => name === variable).valueFrom.secretKeyRef.name;

  it("uses the database, the tokens and the wait of managers and routers", () => {
    const manager = find("Deployment", "skiff-manager").spec.template.spec.containers[0].env;
    const router = find("Deployment", "skiff-router").spec.template.spec.containers[0].env;
    for (const [variable, others] of [
      ["SKIFF_STORE", manager],
      ["SKIFF_POSTGRES", manager],
      ["SKIFF_INTERNAL_TOKEN", router],
      ["SKIFF_INSTANCE_WAIT", router],
    ] as const) {
      const of = (variables: Any) => variables.find(({ name }: Any) => name === variable);
      assert.deepEqual(of(env), of(others), variable);
    }
    assert.deepEqual(
      [secretOf("SKIFF_TOKEN"), secretOf("SKIFF_POSTGRES_PASSWORD")],
      ["skiff-token", "skiff-postgres"],
    );
  });

  it("may read functions, keys and declarations, and write statuses of the latter", () => {
    const { rules } = find("Role", "skiff-events", "skiff-functions");
    const verbs = Object.fromEntries(
      rules.map(({ resources, verbs }: Any) => [resources.join(), verbs.join()]),
    );
    assert.deepEqual(verbs, {
      "functions,keys,topics,subscriptions,schedules,flows": "list,watch",
      flows: "get",
      "topics/status,subscriptions/status,schedules/status,flows/status": "patch",
      endpointslices: "list,watch",
      pods: "list,watch",
    });
  });

  it("takes requests from everybody, and scrapes from outside of functions", () => {
    const { ingress } = find("NetworkPolicy", "events").spec;
    assert.deepEqual(ingress, find("NetworkPolicy", "router").spec.ingress);
  });
});

describe("the schemas in kubernetes.yaml", () => {
  const KEYWORDS =
    /^(type|format|description|properties|additionalProperties|items|required|enum|pattern|nullable|(min|max)(imum|Length|Items|Properties)|x-kubernetes-(validations|list-type|list-map-keys|preserve-unknown-fields))$/;
  const unknown = (schema: Any, path: string): string[] =>
    Object.entries<Any>(schema).flatMap(([keyword, value]) => {
      if (!KEYWORDS.test(keyword)) return [`${path}.${keyword}`];
      if (keyword === "items" || keyword === "additionalProperties") return unknown(value, path);
      if (keyword !== "properties") return [];
      return Object.entries<Any>(value).flatMap(([name, each]) => unknown(each, `${path}.${name}`));
    });

  it("have keywords that Kubernetes knows, so that no comma ended a description", () => {
    for (const { spec } of definitions) {
      const { kind } = spec.names;
      assert.deepEqual(unknown(versionOf(kind).schema.openAPIV3Schema, kind), []);
    }
  });

  it("quote names that kubectl reads as true or false (YAML 1.1)", () => {
    const text = readFileSync(new URL("../../kubernetes.yaml", import.meta.url), "utf8");
    assert.deepEqual(text.match(/^.*[\s{,](on|off|yes|no|y|n):.*$/gim) ?? [], []);
  });
});
