import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Declared } from "../../platform/declarations.ts";
import { KubeApi } from "../../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../../platform/kubernetes/cluster/client.ts";
import { ClusterDeclarations } from "../../platform/kubernetes/declarations.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import {
  declarationsConformance,
  KINDS,
  type OpenDeclarations,
} from "../platform/conformance/declarations.ts";
import { eventually } from "../support/eventually.ts";
import { applyManifest, kubectl } from "./kubectl.ts";

interface Opened extends OpenDeclarations {
  readonly namespace: string;
}

/** A definition as those of the real kinds, with one field that the cluster checks. */
function definition(kind: string, plural: string): object {
  const spec = {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    properties: { count: { type: "integer" } },
  };
  const schema = { openAPIV3Schema: { type: "object", required: ["spec"], properties: { spec } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.skiff.dev` },
    spec: {
      group: "skiff.dev",
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

async function openIn(namespace: string): Promise<Opened> {
  const api = new KubeApi(await connectToCluster());
  const closing = new AbortController();
  const lines: string[] = [];
  const declarations = new ClusterDeclarations({
    api,
    namespace,
    kinds: KINDS,
    limits: limitsFromEnv({}),
    closing: closing.signal,
    print: (line) => lines.push(line),
  });
  const close = async () => {
    closing.abort(new Problem("draining", "The test is over.", { retryAfterS: 1 }));
    await declarations.close();
    await api.close();
  };
  return { namespace, declarations, printed: () => lines.join("\n"), close };
}

describe("declarations of a real cluster", () => {
  const namespaces: string[] = [];
  const others: Opened[] = [];

  async function open(): Promise<Opened> {
    const namespace = `skiff-test-${randomBytes(4).toString("hex")}`;
    await kubectl("create", "namespace", namespace);
    namespaces.push(namespace);
    return await openIn(namespace);
  }

  before(async () => {
    for (const [kind, plural] of Object.entries(KINDS)) {
      await applyManifest(definition(kind, plural));
      await kubectl("wait", "--for=condition=established", `crd/${plural}.skiff.dev`, "--timeout=60s");
    }
    const opened = await open();
    await eventually("the kinds are served", async () => {
      try {
        for (const kind of Object.keys(KINDS)) await opened.declarations.list(kind, { limit: 1 });
        return true;
      } catch (error) {
        if (error instanceof Problem && error.code === "platform_unavailable") return false;
        throw error;
      }
    });
    await opened.close();
  });

  after(async () => {
    for (const other of others) await other.close();
    for (const namespace of namespaces)
      await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false");
    for (const plural of Object.values(KINDS))
      await kubectl("delete", "crd", `${plural}.skiff.dev`, "--ignore-not-found", "--wait=false");
  });

  declarationsConformance("the Kubernetes platform", {
    isDurable: true,
    open,
    beside: async (opened) => {
      const other = await openIn((opened as Opened).namespace);
      others.push(other);
      return other.declarations;
    },
    reopen: (opened) => openIn((opened as Opened).namespace),
  });

  it("are applied, shown and deleted by kubectl as well", async () => {
    const { declarations, namespace, close } = await open();
    const seen: [string, Declared["spec"] | undefined][] = [];
    const stop = declarations.watch("Note", (name, declared) => seen.push([name, declared?.spec]));
    const apply = (spec: object) =>
      applyManifest({ apiVersion: "skiff.dev/v1", kind: "Note", metadata: { name: "a", namespace }, spec });
    const shown = () => kubectl("get", "notes.skiff.dev/a", "-n", namespace, "-o", "jsonpath={.spec.n}");
    try {
      await apply({ n: 1 });
      const applied = (await declarations.get("Note", "a"))!;
      assert.deepEqual(applied.spec, { n: 1 });
      await apply({ n: 2 });
      await assert.rejects(declarations.put("Note", "a", { spec: { n: 3 }, ifRevision: applied.revision }), {
        code: "precondition_failed",
      });
      const changed = (await declarations.get("Note", "a"))!;
      assert.ok(changed.updatedAt >= applied.updatedAt && changed.updatedAt >= changed.createdAt);
      await declarations.put("Note", "a", { spec: { n: 3 }, ifRevision: changed.revision });
      assert.equal(await shown(), "3");
      await apply({ n: 4 });
      assert.equal(await shown(), "4");
      await kubectl("delete", "notes.skiff.dev/a", "-n", namespace);
      assert.equal(await declarations.get("Note", "a"), undefined);
      await eventually("all is seen", () => seen.length >= 5);
      assert.deepEqual(seen, [...[1, 2, 3, 4].map((n) => ["a", { n }]), ["a", undefined]]);
    } finally {
      stop();
      await close();
    }
  });

  it("are refused where they break the schema of their kind, and nothing is changed", async () => {
    const { declarations, close } = await open();
    try {
      const put = (count: unknown, ifRevision?: string | null) =>
        declarations.put("Note", "a", { spec: { count }, ifRevision });
      const refused = { code: "invalid_declaration", detail: /spec\.count/ };
      await assert.rejects(put("many"), refused);
      await assert.rejects(put("many", null), refused);
      const { revision } = await put(1);
      await assert.rejects(put("many"), refused);
      await assert.rejects(put("many", revision), refused);
      assert.equal((await declarations.get("Note", "a"))?.revision, revision);
    } finally {
      await close();
    }
  });
});
