import type { KubernetesPlatform } from "../../../../platform/kubernetes/kubernetes-platform.ts";
import { FakeCluster } from "../../../support/platform/fake-cluster.ts";
import { type OpenSecrets, secretsConformance } from "../../conformance/secrets.ts";

/** After the times of the objects of the fake API server. */
const LATER = new Date("2030-01-02");

interface Opened extends OpenSecrets {
  readonly cluster: FakeCluster;
}

async function openOn(cluster: FakeCluster): Promise<Opened> {
  const platform = cluster.open();
  await platform.synced;
  return { cluster, platform, close: () => platform.close() };
}

describe("secrets of a cluster", () => {
  const clusters: FakeCluster[] = [];
  after(async () => {
    for (const cluster of clusters) await cluster.close();
  });

  secretsConformance("the Kubernetes platform on a fake cluster", {
    isDurable: true,
    open: async () => {
      const cluster = await FakeCluster.start();
      clusters.push(cluster);
      return await openOn(cluster);
    },
    reopen: async (opened) => await openOn((opened as Opened).cluster),
    swept: async ({ platform }) => await (platform as KubernetesPlatform).secrets.sweep(LATER, 0),
  });
});
