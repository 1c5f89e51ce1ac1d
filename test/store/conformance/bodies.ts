import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Bodies, StoredBody } from "../../../store/bodies.ts";
import { type CallsStore, newCall, Worker } from "./calls/new-call.ts";
import type { Harness } from "./subject.ts";

const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;

export type BodiesStore = CallsStore & {
  readonly bodies: Bodies;
  removeOld(now: Date): Promise<boolean>;
};

async function* parts(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let byte = 0;
  for (const size of sizes) yield Buffer.alloc(size, ++byte);
}

/** Registers the tests of Bodies. */
export function bodies(harness: Harness<BodiesStore>): void {
  describe("long bodies", () => {
    let store: BodiesStore;
    let worker: Worker;
    beforeEach(async () => {
      store = await harness.open();
      worker = new Worker(store);
    });
    afterEach(() => harness.dispose());

    const bytesOf = async (body: StoredBody) => Buffer.concat(await Array.fromAsync(store.bodies.read(body)));
    const callWith = (body: StoredBody, of = {}) =>
      newCall({ request: { method: "POST", path: "/", headers: [], body }, ...of });
    const removeAll = async (later: number) => {
      while (await store.removeOld(new Date(Date.now() + later)));
    };
    const isThere = async (body: StoredBody) =>
      await bytesOf(body).then(
        () => true,
        () => false,
      );

    it("are read as they were written, whatever their parts", async () => {
      const sizes = [1, 3 * MIB, 70_000, MIB - 1, 0, 5];
      const body = await store.bodies.write(parts(...sizes), 10 * MIB);
      assert.ok("id" in body);
      assert.equal(body.bytes, 4 * MIB + 70_005);
      const written = Buffer.concat(await Array.fromAsync(parts(...sizes)));
      assert.ok(written.equals(await bytesOf(body)));
      assert.equal((await bytesOf(await store.bodies.write(parts(), 1))).length, 0);
      assert.equal(String(await bytesOf({ inline: Buffer.from("short") })), "short");
    });

    it("are refused over their bound, and nothing is kept", async () => {
      await assert.rejects(store.bodies.write(parts(2 * MIB, MIB, 1), 3 * MIB), {
        code: "body_too_large",
        detail: "The body is larger than 3145728 bytes: send less.",
      });
      assert.ok(await store.bodies.write(parts(2 * MIB, MIB), 3 * MIB));
    });

    it("that break off reject with the error of their source", async () => {
      async function* broken() {
        yield* parts(2 * MIB);
        throw new Error("the client went away");
      }
      await assert.rejects(store.bodies.write(broken(), 9 * MIB), /the client went away/);
    });

    it("are removed after an hour without a call that refers to them", async () => {
      const used = await store.bodies.write(parts(MIB), MIB);
      const unused = await store.bodies.write(parts(2 * MIB), 2 * MIB);
      await worker.enqueue(callWith(used));
      await removeAll(HOUR_MS - 60_000);
      assert.ok(await isThere(unused));
      await removeAll(HOUR_MS + 1);
      assert.deepEqual([await isThere(used), await isThere(unused)], [true, false]);
      await assert.rejects(
        worker.enqueue(callWith(unused)),
        /a body was removed before anything referred to it/,
      );
      assert.equal((await store.calls.totals())[0]!.accepted, 1);
    });

    it("are removed at once if nothing refers to them", async () => {
      const [used, unused] = await Promise.all([1, 2].map((size) => store.bodies.write(parts(size), MIB)));
      await worker.enqueue(callWith(used!));
      for (const body of [used!, unused!, { inline: Buffer.from("short") }]) await store.bodies.remove(body);
      assert.deepEqual(await Promise.all([used!, unused!].map(isThere)), [true, false]);
    });

    it("stay as long as the call, its record and the record of its answer", async () => {
      // Records of long ago would be removed too.
      worker.now = Date.now();
      const [a, b, answer] = await Promise.all([1, 2, 3].map((size) => store.bodies.write(parts(size), MIB)));
      await worker.enqueue(
        callWith(a!),
        callWith(a!, { keepsRecord: false }),
        callWith(b!, { keepsRecord: false }),
      );
      const leased = await worker.lease();
      const recorded = leased.find(({ keepsRecord }) => keepsRecord)!;
      await worker.settle([
        worker.settlement(recorded, {
          state: "done",
          answer: { status: 200, headers: [], body: answer!, isCut: false },
        }),
        ...leased
          .filter(({ keepsRecord }) => !keepsRecord)
          .map((call) => worker.settlement(call, { state: "done" })),
      ]);
      await removeAll(2 * HOUR_MS);
      assert.deepEqual(await Promise.all([a!, b!, answer!].map(isThere)), [true, false, true]);
      assert.deepEqual((await store.calls.get(recorded.id))!.answer!.body, answer);
      assert.equal(await store.calls.purge({}, 10), 1);
      await removeAll(2 * HOUR_MS);
      assert.deepEqual(await Promise.all([a!, answer!].map(isThere)), [false, false]);
    });

    it("of 48 MiB are never in memory as a whole", async function () {
      this.timeout(60_000);
      const part = Buffer.alloc(256 * 1024, 7);
      let most = 0;
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const used = () => {
        // The first one frees buffers in the background, for which the second one waits.
        collect();
        collect();
        const { heapUsed, external } = process.memoryUsage();
        return heapUsed + external;
      };
      const before = used();
      const look = () => {
        most = Math.max(most, used() - before);
      };
      async function* all() {
        for (let at = 0; at < 192; at++) {
          if (at % 48 === 24) look();
          yield part;
        }
      }
      const body = await store.bodies.write(all(), 48 * MIB);
      let bytes = 0;
      for await (const { byteLength } of store.bodies.read(body)) {
        bytes += byteLength;
        if (bytes % (12 * MIB) === 0) look();
      }
      assert.equal(bytes, 48 * MIB);
      assert.ok(most < 24 * MIB, `${most / MIB} MiB more`);
    });
  });
}
