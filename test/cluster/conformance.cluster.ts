import { gzipSync } from "node:zlib";
import { type ConfigMap, KINDS, type Pod } from "../../platform/kubernetes/cluster/resources.ts";
import type { Platform } from "../../platform/platform.ts";
import { conformance } from "../platform/conformance/conformance.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/instances/call-instance.ts";
import { instancesOf, servingOf } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { ClusterPlatform, type OpenOptions } from "./cluster-platform.ts";

const opened = new Map<Platform, ClusterPlatform>();

async function open(options: OpenOptions = {}): Promise<Platform> {
  const cluster = await ClusterPlatform.open(options);
  opened.set(cluster.platform, cluster);
  return cluster.platform;
}

const printing = (text: string) => `
  export default (request) => {
    const path = new URL(request.url).pathname;
    if (path !== "/") console.log(path.slice(1));
    return ${JSON.stringify(text)};
  };`;

const labelsOf = (name: string, version: number) => `skiff.dev/function=${name},skiff.dev/version=${version}`;

async function podsAreGone(
  { api, namespace }: ClusterPlatform,
  name: string,
  version: number,
): Promise<void> {
  await eventually(`the pods of ${name} are gone`, async () => {
    const { items } = await api.list<Pod>({ kind: KINDS.pods, namespace }, labelsOf(name, version));
    return items.length === 0;
  });
}

after(async () => {
  for (const cluster of opened.values()) await cluster.close();
});

conformance("the Kubernetes platform", {
  abilities: { scalesOut: false, scalesToZero: true, runsCode: true, durable: true },
  open: (limits = {}) => open({ limits }),
  dispose: async (platform) => opened.get(platform)!.close(),
  reopen: async (platform) => {
    // A cluster goes on running what a closed platform ran; the suite wants to find it asleep.
    const closed = opened.get(platform)!;
    await closed.sleepAll();
    return await open({ namespace: closed.namespace });
  },
  draft: (name, text, settings) => draftOf(name, printing(text), settings),
  failing: (name) => draftOf(name, `console.log("last words"); throw new Error("no");`),
  breakStarts: async (platform, name, version = servingOf(platform, name)!.version) => {
    const cluster = opened.get(platform)!;
    const { api, namespace } = cluster;
    // While a pod refers to an immutable ConfigMap its node keeps the content by name.
    await podsAreGone(cluster, name, version);
    const place = { kind: KINDS.configMaps, namespace };
    const selector = `${labelsOf(name, version)},skiff.dev/part=bundle`;
    const { items } = await api.list<ConfigMap>(place, selector);
    for (const { metadata } of items) {
      const { resourceVersion: _, uid: __, ...kept } = metadata;
      await api.delete({ ...place, name: metadata.name }, "Background");
      const binaryData = { part: gzipSync("throw 1;").toString("base64") };
      await api.create(place, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: kept,
        binaryData,
        immutable: true,
      });
    }
  },
  toZero: (platform, name, version) =>
    eventually(`${name} has no instance`, () => instancesOf(platform, name, version).length === 0, 30_000),
  print: async (platform, name, text) => {
    await call(instancesOf(platform, name)[0]!.address, { path: `/${text}` });
  },
  answer: async (platform, name, version) =>
    (await call(instancesOf(platform, name, version)[0]!.address)).text,
});
