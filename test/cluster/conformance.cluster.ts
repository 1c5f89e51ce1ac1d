import { gzipSync } from "node:zlib";
import { type ConfigMap, KINDS, type Pod } from "../../platform/kubernetes/cluster/resources.ts";
import type { Platform } from "../../platform/platform.ts";
import { conformance } from "../platform/conformance/conformance.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/instances/call-instance.ts";
import { servingOf } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { ClusterPlatform } from "./cluster-platform.ts";

const opened = new Map<Platform, ClusterPlatform>();

async function open(namespace?: string): Promise<Platform> {
  const cluster = await ClusterPlatform.open(namespace === undefined ? {} : { namespace });
  opened.set(cluster.platform, cluster);
  return cluster.platform;
}

const printing = (text: string) => `
  export default (request) => {
    const path = new URL(request.url).pathname;
    if (path !== "/") console.log(path.slice(1));
    return ${JSON.stringify(text)};
  };`;

async function podsAreGone({ api, namespace }: ClusterPlatform, name: string): Promise<void> {
  await eventually(`the pods of ${name} are gone`, async () => {
    const { items } = await api.list<Pod>({ kind: KINDS.pods, namespace }, `skiff.dev/function=${name}`);
    return items.length === 0;
  });
}

after(async () => {
  for (const cluster of opened.values()) await cluster.close();
});

conformance("the Kubernetes platform", {
  abilities: { scalesOut: false, scalesToZero: true, runsCode: true, durable: true },
  open: () => open(),
  dispose: async (platform) => opened.get(platform)!.close(),
  reopen: async (platform) => {
    // A cluster goes on running what a closed platform ran; the suite wants to find it asleep.
    const closed = opened.get(platform)!;
    await closed.sleepAll();
    return await open(closed.namespace);
  },
  draft: (name, text, settings) => draftOf(name, printing(text), settings),
  failing: (name) => draftOf(name, `console.log("last words"); throw new Error("no");`),
  breakStarts: async (platform, name) => {
    const cluster = opened.get(platform)!;
    const { api, namespace } = cluster;
    // While a pod refers to an immutable ConfigMap its node keeps the content by name.
    await podsAreGone(cluster, name);
    const place = { kind: KINDS.configMaps, namespace };
    const selector = `skiff.dev/function=${name},skiff.dev/part=bundle`;
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
  toZero: (platform, name) =>
    eventually(`${name} has no instance`, () => servingOf(platform, name)?.instances.length === 0, 30_000),
  print: async (platform, name, text) => {
    await call(servingOf(platform, name)!.instances[0]!.address, { path: `/${text}` });
  },
  answer: async (platform, name) => (await call(servingOf(platform, name)!.instances[0]!.address)).text,
});
