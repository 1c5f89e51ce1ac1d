import assert from "node:assert/strict";
import type { Declarations, Declared } from "../../../platform/declarations.ts";
import type { Resource } from "../../../platform/kubernetes/cluster/resources.ts";
import { declaredOf } from "../../../platform/kubernetes/declarations.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeCluster } from "../../support/platform/fake-cluster.ts";
import { declarationsConformance, KINDS, type OpenDeclarations } from "../conformance/declarations.ts";

interface Opened extends OpenDeclarations {
  readonly cluster: FakeCluster;
}

async function startCluster(): Promise<FakeCluster> {
  const cluster = await FakeCluster.start();
  for (const plural of Object.values(KINDS)) cluster.server.customKinds.add(plural);
  return cluster;
}

/** One manager or router, which clears nothing away. */
function openOn(cluster: FakeCluster): Opened {
  const platform = cluster.open({ kinds: KINDS });
  const { declarations } = platform;
  return { cluster, declarations, printed: () => cluster.lines.join("\n"), close: () => platform.close() };
}

describe("declarations of a cluster", () => {
  const clusters: FakeCluster[] = [];
  const others: Opened[] = [];
  after(async () => {
    for (const other of others) await other.close();
    for (const cluster of clusters) await cluster.close();
  });

  declarationsConformance("the Kubernetes platform on a fake cluster", {
    isDurable: true,
    open: async () => {
      const cluster = await startCluster();
      clusters.push(cluster);
      return openOn(cluster);
    },
    beside: async (opened) => {
      const other = openOn((opened as Opened).cluster);
      others.push(other);
      return other.declarations;
    },
    reopen: async (opened) => openOn((opened as Opened).cluster),
  });

  describe("are custom resources", () => {
    let cluster: FakeCluster;
    let opened: Opened;
    let declarations: Declarations;
    beforeEach(async () => {
      cluster = await startCluster();
      opened = openOn(cluster);
      declarations = opened.declarations;
    });
    afterEach(async () => {
      await opened.close();
      await cluster.close();
    });

    const put = (n: number, ifRevision?: string | null) =>
      declarations.put("Note", "a", { spec: { n }, ifRevision });
    const object = () => cluster.server.read<Resource & { spec: object }>("notes", "a");
    const isPatch = (method: string) => method === "PATCH";

    it("of the group skiff.dev, with the kind, the name and the spec", async () => {
      const { revision } = await put(1);
      const { apiVersion, kind, metadata, spec } = object()!;
      assert.deepEqual([apiVersion, kind, metadata.name, spec], ["skiff.dev/v1", "Note", "a", { n: 1 }]);
      assert.equal(revision, `${metadata.uid}.1`);
      assert.ok(cluster.server.requests.includes("POST /apis/skiff.dev/v1/namespaces/skiff-functions/notes"));
    });

    it("of others as well, whose labels and annotations stay", async () => {
      const metadata = { name: "a", labels: { team: "x" }, annotations: { by: "hand" } };
      cluster.server.put("notes", {
        apiVersion: "skiff.dev/v1",
        kind: "Note",
        metadata,
        spec: { n: 1, m: 2 },
      });
      const found = await declarations.get("Note", "a");
      assert.deepEqual(found?.spec, { n: 1, m: 2 });
      await put(2, found.revision);
      await put(3);
      const { labels, annotations } = object()!.metadata;
      assert.deepEqual([labels, annotations, object()!.spec], [{ team: "x" }, { by: "hand" }, { n: 3 }]);
    });

    it("put also where others make or remove them between two requests", async () => {
      cluster.server.fail({ status: 404, matches: isPatch });
      await put(1);
      assert.deepEqual(object()!.spec, { n: 1 });
      cluster.server.fail({ status: 404, matches: isPatch });
      await put(2);
      assert.deepEqual(
        object()!.spec,
        { n: 2 },
        "made meanwhile: the creation is refused, the next patch is not",
      );
      cluster.server.fail(...Array.from({ length: 5 }, () => ({ status: 404, matches: isPatch })));
      const lost = {
        code: "platform_unavailable",
        detail: /others create and remove Note "a" at the same time/,
      };
      await assert.rejects(put(3), lost);
      assert.deepEqual(object()!.spec, { n: 2 });
    });

    it("whose definition may refuse a spec", async () => {
      const refused = {
        code: "invalid_declaration",
        detail: "The API server rejects the declaration: fake Fault.",
      };
      for (const ifRevision of [undefined, null]) {
        const matches = (method: string) => method === (ifRevision === null ? "POST" : "PATCH");
        cluster.server.fail({ status: 422, matches });
        await assert.rejects(put(1, ifRevision), refused);
      }
      assert.equal(object(), undefined);
    });

    it("that are out of reach while the API server is", async () => {
      const { revision } = await put(1);
      await cluster.server.down();
      const unavailable = { code: "platform_unavailable" };
      await assert.rejects(put(2), unavailable);
      await assert.rejects(put(2, revision), unavailable);
      await assert.rejects(put(2, null), unavailable);
      await assert.rejects(declarations.get("Note", "a"), unavailable);
      await assert.rejects(declarations.list("Note", { limit: 1 }), unavailable);
      await assert.rejects(declarations.remove("Note", "a"), unavailable);
      await cluster.server.up();
      assert.equal((await put(2, revision)).spec.n, 2);
    });

    it("that nobody can make before their kind is defined, and that are watched from then on", async () => {
      cluster.server.customKinds.delete("notes");
      const seen: unknown[] = [];
      const stop = declarations.watch("Note", (_, declared) => seen.push(declared?.spec.n));
      await assert.rejects(put(1), { code: "platform_unavailable" });
      await assert.rejects(put(1, null), { code: "platform_unavailable" });
      const line = "declarations cannot be watched: notes: fake NotFound";
      await eventually("the trouble is logged", () => opened.printed().includes(line));
      cluster.server.customKinds.add("notes");
      await put(1);
      await eventually("it is seen", () => seen.length > 0);
      assert.deepEqual(seen, [1]);
      stop();
    });

    it("whose changes are seen after the watch broke, also what went meanwhile", async () => {
      const last = new Map<string, Declared | undefined>();
      const stop = declarations.watch("Note", (name, declared) => last.set(name, declared));
      await put(1);
      await declarations.put("Note", "b", { spec: { n: 1 } });
      await eventually("it sees both", () => last.size === 2);
      cluster.server.cutWatches();
      await put(2);
      await eventually("it sees the change", () => last.get("a")?.spec.n === 2);
      await cluster.server.down();
      cluster.server.remove("notes", "b");
      cluster.server.compact();
      await cluster.server.up();
      await put(3);
      await eventually(
        "it sees both changes",
        () => last.get("a")?.spec.n === 3 && last.get("b") === undefined,
      );
      stop();
    });

    it("whose status changes nothing for who watches them or has their revision", async () => {
      const seen: unknown[] = [];
      const stop = declarations.watch("Note", (_, declared) => seen.push(declared?.spec.n));
      const { revision } = await put(1);
      const show = (lag: number) => cluster.server.put("notes", { ...object()!, status: { lag } });
      show(1);
      const changed = await put(2, revision);
      show(2);
      // Between reading the object and writing it.
      const patched = () => show(3);
      cluster.server.fail({ status: 409, matches: (method) => isPatch(method) && patched() === undefined });
      await put(3, changed.revision);
      show(4);
      await put(4);
      await eventually("the last one is seen", () => seen.at(-1) === 4);
      assert.deepEqual(seen, [1, 2, 3, 4]);
      await assert.rejects(declarations.remove("Note", "a", { ifRevision: revision }), {
        code: "precondition_failed",
      });
      const { revision: last } = (await declarations.get("Note", "a"))!;
      show(5);
      assert.equal(await declarations.remove("Note", "a", { ifRevision: last }), true);
      stop();
    });

    it("that nobody watches any more once the listener has stopped", async () => {
      const requests = (plural: string) =>
        cluster.server.requests.filter((request) => request.endsWith(`/${plural}`)).length;
      const stop = declarations.watch("Note", () => {});
      const stopOther = declarations.watch("Memo", () => {});
      await eventually("both are watched", () => requests("notes") > 1 && requests("memos") > 1);
      stop();
      const [notes, memos] = [requests("notes"), requests("memos")];
      for (let round = 1; round <= 3; round++) {
        cluster.server.cutWatches();
        await eventually("the other watch comes back", () => requests("memos") >= memos + round);
      }
      assert.equal(requests("notes"), notes);
      stopOther();
    });

    it("that changed when the API server says so, but for the status", () => {
      const resource = {
        metadata: {
          name: "a",
          uid: "u1",
          generation: 7,
          creationTimestamp: "2030-01-01T00:00:00Z",
          managedFields: [
            { time: "2030-01-01T00:00:01Z" },
            { time: "2030-01-01T00:00:03Z" },
            { time: "2030-01-01T00:00:02Z" },
            { time: "2030-01-01T00:00:09Z", subresource: "status" },
          ],
        },
      };
      assert.deepEqual(declaredOf("Note", resource), {
        kind: "Note",
        name: "a",
        revision: "u1.7",
        spec: {},
        createdAt: new Date("2030-01-01T00:00:00Z"),
        updatedAt: new Date("2030-01-01T00:00:03Z"),
      });
    });
  });
});
