import assert from "node:assert/strict";
import { LOAD_HEADER } from "../../client-image/load-message.ts";
import { podKey, Sealer } from "../../client-image/sealed.ts";
import { KINDS, type Pod, type ReplicaSet } from "../../platform/kubernetes/cluster/resources.ts";
import type { KubernetesPlatform } from "../../platform/kubernetes/kubernetes-platform.ts";
import { PORT } from "../../platform/kubernetes/objects/names.ts";
import { isReady } from "../../platform/kubernetes/objects/pod-state.ts";
import { sendLoad } from "../../platform/kubernetes/pool/pool-load.ts";
import type { Settings } from "../../platform/settings/settings.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/instances/call-instance.ts";
import { publish, servingOf, wake } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { ClusterPlatform } from "./cluster-platform.ts";
import { FILE_ESCAPE } from "./file-escape.ts";
import { kubectl } from "./kubectl.ts";

const LONG_MS = 60_000;
const answering = (text: string) =>
  `export default (_, { function: { version } }) => ${JSON.stringify(text)} + " " + version;`;

interface Stuck {
  readonly other: KubernetesPlatform;
  readonly claimed: Promise<void>;
  readonly letGo: () => void;
}

describe("the pool on the cluster", () => {
  let cluster: ClusterPlatform;

  before(async () => {
    cluster = await ClusterPlatform.open();
  });
  after(() => cluster.close());
  beforeEach(() => full());
  afterEach(function () {
    if (this.currentTest?.isFailed()) console.log(cluster.lines.join("\n"));
  });

  const full = () =>
    eventually(
      "two pods are free",
      async () => {
        const free = await cluster.poolPods("free");
        return free.filter(isReady).length === 2 && cluster.platform.pool!.free === 2;
      },
      LONG_MS,
    );
  const podsOf = async (name: string) =>
    (
      await cluster.api.list<Pod>(
        { kind: KINDS.pods, namespace: cluster.namespace },
        `skiff.dev/function=${name}`,
      )
    ).items;
  const answer = async (platform: KubernetesPlatform, name: string) =>
    (await call(servingOf(platform, name)!.instances[0]!.address)).text;

  async function deploy(name: string, settings: Partial<Settings> = {}): Promise<void> {
    await publish(cluster.platform, draftOf(name, answering(name), settings));
  }

  /** Removes a function and waits for its objects: a name that is used again at once goes on with version 2. */
  async function remove(name: string): Promise<void> {
    await cluster.platform.remove(name);
    const kinds = "deployments,configmaps,services,pods";
    const selector = ["-n", cluster.namespace, "-l", `skiff.dev/function=${name}`, "-o", "name"];
    const isGone = async () => (await kubectl("get", kinds, ...selector)) === "";
    await eventually(`nothing of ${name} is left`, isGone, LONG_MS);
  }

  async function sleep(name: string): Promise<void> {
    await eventually("the deploy has ended, which scales up", () => {
      const annotations = cluster.platform.mirror.functions.get(name)?.metadata.annotations;
      return annotations?.["skiff.dev/publishing-since"] === undefined;
    });
    await kubectl("scale", "-n", cluster.namespace, `deployment/${name}.v1`, "--replicas=0");
    await eventually("it sleeps", async () => (await podsOf(name)).length === 0, LONG_MS);
    await full();
  }

  /** A manager that claims a pod, and gets no further. */
  /** Until it is let go, or by itself after a while, when it gives the pod up; a killed one would not. */
  async function stuckAfterClaim({ isKilled = false } = {}): Promise<Stuck> {
    const { promise: claimed, resolve } = Promise.withResolvers<void>();
    const { promise: end, resolve: letGo } = Promise.withResolvers<void>();
    const other = await cluster.another({
      sendToPod: async (_, { signal }) => {
        resolve();
        if (!isKilled) signal.addEventListener("abort", () => letGo());
        await end;
        throw new Error("it was stuck");
      },
    });
    await eventually("the other one sees the pool", () => other.pool!.free === 2);
    return { other, claimed, letGo };
  }

  it("wakes a function with a pod of its, which the function's ReplicaSet owns then and nobody else does", async () => {
    await deploy("adopted");
    await sleep("adopted");
    const steps = await wake(cluster.platform, "adopted");
    assert.deepEqual(steps.map(({ name }) => name).sort(), ["claim", "load"]);
    assert.equal(await answer(cluster.platform, "adopted"), "adopted 1");
    await eventually(
      "its Deployment has one pod, which is ready, and that came from the pool",
      async () => {
        const pods = await podsOf("adopted");
        return pods.length === 1 && isReady(pods[0]!) && /^skiff-pool-/.test(pods[0]!.metadata.name);
      },
      LONG_MS,
    );
    const [{ metadata } = assert.fail()] = await podsOf("adopted");
    const [owner] = metadata.ownerReferences ?? [];
    const place = { kind: KINDS.replicaSets, namespace: cluster.namespace, name: owner!.name };
    const set = await cluster.api.get<ReplicaSet>(place);
    assert.deepEqual([owner!.uid, owner!.controller, set?.spec.replicas], [set?.metadata.uid, true, 1]);
    const ready = ["get", "deployment/adopted.v1", "-n", cluster.namespace, "-o"];
    await eventually("the Deployment counts it", async () => {
      return (await kubectl(...ready, "jsonpath={.status.readyReplicas}/{.status.replicas}")) === "1/1";
    });
    await cluster.platform.remove("adopted");
    await eventually("its pods are gone", async () => (await podsOf("adopted")).length === 0, LONG_MS);
  });

  it("gives a function its own settings and sandbox", async () => {
    const code = `export default async () => JSON.stringify([Deno.env.toObject(),
      (await Deno.permissions.query({ name: "net", host: "example.com:80" })).state,
      (await Deno.permissions.query({ name: "read", path: "/skiff/key/own" })).state]);`;
    const permissions = { net: ["example.com"], sys: [] };
    await publish(cluster.platform, draftOf("own", code, { env: { A: "$(B) 'x'" }, permissions }));
    await sleep("own");
    await wake(cluster.platform, "own");
    const seen = JSON.parse(await answer(cluster.platform, "own"));
    assert.deepEqual(seen, [{ A: "$(B) 'x'", TMPDIR: "/scratch", HOME: "/scratch" }, "granted", "prompt"]);
    await cluster.platform.remove("own");
  });

  for (const [where, settings] of [
    ["in the process that waited", {}],
    ["in a process of its own", { env: { A: "1" } }],
  ] as const) {
    it(`has nothing for a function that leaves Deno's file sandbox, ${where}: no key, no token`, async () => {
      const free = (await cluster.poolPods("free")).map(({ metadata }) => metadata.uid!);
      await publish(cluster.platform, draftOf("thief", FILE_ESCAPE, settings));
      await sleep("thief");
      await wake(cluster.platform, "thief");
      assert.equal(cluster.platform.pool!.outcomes.failed, 0);
      const { ours } = cluster.keys;
      await eventually("it is adopted", async () => (await cluster.poolPods("adopted")).length === 1);
      const [{ metadata } = assert.fail()] = await cluster.poolPods("adopted");
      const uids = new Set([
        ...free,
        ...(await cluster.poolPods("free")).map(({ metadata }) => metadata.uid!),
      ]);
      const keys = await Promise.all([...uids, metadata.uid!].map((uid) => podKey(ours.seed, uid)));
      const secrets = [ours.seed, ours.signPrivate.subarray(-32), ...keys];
      const steal = async (needles: readonly Uint8Array[]) => {
        const [{ address } = assert.fail()] = servingOf(cluster.platform, "thief")!.instances;
        const body = JSON.stringify({ needles: needles.map((each) => Buffer.from(each).toString("hex")) });
        const answer = await call(address, { method: "POST", body });
        return JSON.parse(answer.text) as { files: string[]; found: string[] };
      };
      const { files, found } = await steal(secrets);
      assert.deepEqual(found, []);
      assert.deepEqual(
        files.filter((file) => /secret|token|^\/run\/|^\/skiff\/key/.test(file)),
        [],
      );
      // It is out of Deno's sandbox, and finds what is there.
      for (const file of ["/work/start.sh", "/etc/passwd"]) assert.ok(files.includes(file), file);
      assert.ok((await steal([Buffer.from("path_symlink")])).found.includes("/work/bundle.mjs"));
      // All that programs of the pod's user could read of processes, as one of them.
      const shell =
        "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; ls -A /skiff/key; cut -d' ' -f2 /proc/mounts";
      const exec = ["exec", "-n", cluster.namespace, metadata.name, "-c", "function", "--", "sh", "-c"];
      const shown = await kubectl(...exec, shell);
      assert.match(shown, /SKIFF_POD_UID=/);
      for (const secret of secrets) {
        for (const form of ["latin1", "hex", "base64", "base64url"] as const) {
          assert.ok(!shown.includes(Buffer.from(secret).toString(form)), form);
        }
      }
      assert.doesNotMatch(shown, /\/seed|serviceaccount|^own$/m);
      await remove("thief");
    });
  }

  it("accepts no load that was sealed for another of its pods", async () => {
    const [left = assert.fail(), right = assert.fail()] = await cluster.poolPods("free");
    const sealed = await new Sealer(cluster.keys.ours).seal(Buffer.from("a load"), left.metadata.uid!);
    const address = { host: right.status!.podIP!, port: PORT };
    const answer = await call(address, { method: "POST", headers: { [LOAD_HEADER]: "1" }, body: sealed });
    assert.deepEqual([answer.status, answer.text], [403, "not for this pod: the signature is wrong\n"]);
  });

  it("replaces a free pod whose container was started again, which has no key any more", async () => {
    const [{ metadata } = assert.fail()] = await cluster.poolPods("free");
    // Its first process ends with the child that waits.
    const end =
      "for each in /proc/[0-9]*; do grep -q ^deno $each/comm && kill -9 $(basename $each); done; true";
    const exec = ["exec", "-n", cluster.namespace, metadata.name, "-c", "function", "--", "sh", "-c"];
    await kubectl(...exec, end);
    const names = async () => (await cluster.poolPods("free")).map(({ metadata: { name } }) => name);
    await eventually("it is gone", async () => !(await names()).includes(metadata.name), LONG_MS);
    await full();
    assert.ok(cluster.lines.some((line) => line.includes(metadata.name) && /its key is gone/.test(line)));
  });

  it("brings a container that ended back with the same function", async () => {
    await publish(
      cluster.platform,
      draftOf(
        "crashing",
        `export default (request) => request.url.endsWith("die") ? Deno.exit(3) : "alive";`,
      ),
    );
    await sleep("crashing");
    await wake(cluster.platform, "crashing");
    const [{ address } = assert.fail()] = servingOf(cluster.platform, "crashing")!.instances;
    await assert.rejects(call(address, { path: "/die" }));
    await eventually(
      "it answers again",
      async () => (await call(address).catch(() => undefined))?.text === "alive",
      LONG_MS,
    );
    await cluster.platform.remove("crashing");
  });

  it("serves two managers that claim at once: each gets a pod of its own", async () => {
    const names = ["left", "right"];
    for (const name of names) await deploy(name);
    for (const name of names) await sleep(name);
    const other = await cluster.another();
    try {
      await eventually("the other one sees the pool", () => other.pool!.free === 2);
      await Promise.all([wake(cluster.platform, "left"), wake(other, "right")]);
      assert.equal(await answer(cluster.platform, "left"), "left 1");
      assert.equal(await answer(other, "right"), "right 1");
      assert.equal(other.pool!.outcomes.claimed, 1);
      const adopted = async () => (await cluster.poolPods("adopted")).map(({ metadata }) => metadata);
      await eventually(
        "both are adopted",
        async () => {
          const functions = (await adopted()).map(({ labels }) => labels?.["skiff.dev/function"]);
          return names.every((name) => functions.includes(name));
        },
        LONG_MS,
      );
    } finally {
      await other.close();
    }
    for (const name of names) await cluster.platform.remove(name);
  });

  it("wakes a function all the same when the pod dies between claim and load", async () => {
    await deploy("unlucky");
    await sleep("unlucky");
    const other = await cluster.another({
      sendToPod: async (sealed, options) => {
        const [{ metadata } = assert.fail()] = await cluster.poolPods("claimed");
        await kubectl("delete", "pod", "-n", cluster.namespace, metadata.name, "--grace-period=0", "--force");
        await sendLoad(sealed, options);
      },
    });
    try {
      await eventually("the other one sees the pool", () => other.pool!.free === 2);
      await wake(other, "unlucky");
      assert.equal(await answer(other, "unlucky"), "unlucky 1");
    } finally {
      await other.close();
    }
    await cluster.platform.remove("unlucky");
  });

  it("gets rid of a pod whose manager was killed in the middle, and the function is not held up", async () => {
    await deploy("halfway");
    await sleep("halfway");
    const { other, claimed, letGo } = await stuckAfterClaim({ isKilled: true });
    wake(other, "halfway").catch(() => {});
    await claimed;
    await wake(cluster.platform, "halfway");
    assert.equal(await answer(cluster.platform, "halfway"), "halfway 1");
    await eventually(
      "the pod is on its way out",
      async () => (await cluster.poolPods("claimed")).every(({ metadata }) => metadata.deletionTimestamp),
      LONG_MS,
    );
    letGo();
    await other.close();
    await cluster.platform.remove("halfway");
  });

  it("leaves nothing of a function that is deleted in the middle of a claim", async () => {
    await deploy("deleted");
    await sleep("deleted");
    const { other, claimed } = await stuckAfterClaim();
    const woken = wake(other, "deleted");
    woken.catch(() => {});
    await claimed;
    await cluster.platform.remove("deleted");
    await assert.rejects(woken);
    for (const state of ["claimed", "spent", "adopted"] as const) {
      await eventually(
        `no pod is ${state}`,
        async () => (await cluster.poolPods(state)).length === 0,
        LONG_MS,
      );
    }
    await other.close();
  });

  it("answers every one of 30 cold functions that are called at once, two of them from the pool", async function () {
    this.timeout(5 * LONG_MS);
    const names = Array.from({ length: 30 }, (_, index) => `burst-${index}`);
    await Promise.all(names.map((name) => deploy(name)));
    const all = ["deployments", "-n", cluster.namespace, "-l", "skiff.dev/function"];
    await kubectl("scale", ...all, "--replicas=0");
    const asleep = async () => (await Promise.all(names.map(podsOf))).every((pods) => pods.length === 0);
    await eventually("all sleep", asleep, 2 * LONG_MS);
    await full();
    const before = { ...cluster.platform.pool!.outcomes };
    const woken = names.map(async (name) => {
      await wake(cluster.platform, name);
      return await answer(cluster.platform, name);
    });
    assert.deepEqual(
      await Promise.all(woken),
      names.map((name) => `${name} 1`),
    );
    assert.ok(cluster.platform.pool!.outcomes.claimed - before.claimed >= 2);
    await Promise.all(names.map((name) => cluster.platform.remove(name)));
  });
});
