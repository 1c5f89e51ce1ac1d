import type { ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import type { ConfigMap, Pod } from "../../../platform/kubernetes/cluster/resources.ts";
import type { FakeApiServer } from "./fake-api-server.ts";
import { crashed, type PodSpec } from "./fake-cluster.ts";
import { FakePod } from "./fake-pod.ts";

const RUNNING = [{ name: "function", state: { running: {} } }];

/** Runs the pods of a fake cluster, as threads. */
export class FakeKubelet {
  readonly #pods = new Map<string, Promise<FakePod>>();

  /** For `FakeCluster.start`. */
  readonly startPod = (
    server: FakeApiServer,
    pod: Pod & { spec: PodSpec },
    report: (status: Pod["status"]) => void,
  ): (() => void) => {
    const { name } = pod.metadata;
    const started = FakePod.start();
    this.#pods.set(name, started);
    void started.then((fake) => run(server, { pod, fake, report }));
    return () => {
      this.#pods.delete(name);
      void started.then((fake) => fake.close());
    };
  };

  async log(name: string, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const pod = await this.#pods.get(name);
    if (pod) pod.log(query, response);
    else response.writeHead(404).end("{}");
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pods.values()].map(async (pod) => (await pod).close()));
  }
}

interface Running {
  readonly pod: Pod & { spec: PodSpec };
  readonly fake: FakePod;
  readonly report: (status: Pod["status"]) => void;
}

async function run(server: FakeApiServer, { pod, fake, report }: Running): Promise<void> {
  const version = Number(pod.metadata.labels?.["skiff.dev/version"]);
  const startTime = new Date().toISOString();
  const status = (ready: boolean) => ({
    startTime,
    podIP: fake.host,
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    containerStatuses: RUNNING,
  });
  report(status(false));
  try {
    await fake.run({ code: bundleOf(server, pod), version });
    report(status(true));
  } catch (error) {
    report(crashed((error as Error).message));
  }
}

/** The code in the ConfigMaps that the pod mounts. */
function bundleOf(server: FakeApiServer, { spec }: Running["pod"]): Uint8Array {
  const sources = spec.volumes?.flatMap(({ projected }) => projected?.sources ?? []) ?? [];
  const parts = sources.map(({ configMap }) => server.read<ConfigMap>("configmaps", configMap.name));
  return gunzipSync(Buffer.concat(parts.map((part) => Buffer.from(part?.binaryData?.part ?? "", "base64"))));
}
