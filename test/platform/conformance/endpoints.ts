import assert from "node:assert/strict";
import type { Endpoints } from "../../../platform/platform.ts";
import type { Subject } from "./subject.ts";

export function endpoints(subject: Subject): void {
  const { draft } = subject;

  describe("endpoints and watch", () => {
    it("give the ready instances with what a caller must know of the version", async () => {
      const { platform } = subject;
      await platform.publish(draft("ends", "one", { concurrency: 3, timeoutMs: 4_000 }));
      const { instances, ...rest } = platform.endpoints("ends")!;
      assert.deepEqual(rest, { name: "ends", version: 1, concurrency: 3, timeoutMs: 4_000 });
      assert.equal(instances.length, 1);
      assert.equal(platform.endpoints("ends-never-was"), undefined);
      const all = [...platform.allEndpoints()].filter(({ name }) => name.startsWith("ends"));
      assert.deepEqual(all, [platform.endpoints("ends")]);
    });

    it("are replaced, never changed", async () => {
      const { platform } = subject;
      await platform.publish(draft("ends-frozen", "one"));
      const before = platform.endpoints("ends-frozen")!;
      const copy = { ...before, instances: [...before.instances] };
      await platform.publish(draft("ends-frozen", "two"));
      assert.notEqual(platform.endpoints("ends-frozen"), before);
      assert.deepEqual({ ...before, instances: [...before.instances] }, copy);
    });

    it("never mix versions, and never give an id to two copies", async () => {
      const { platform } = subject;
      const versionOf = new Map<string, number>();
      const stop = platform.watch((name, endpoints) => {
        if (name !== "ends-mix" || !endpoints) return;
        for (const { id } of endpoints.instances) {
          assert.equal(versionOf.get(id) ?? endpoints.version, endpoints.version);
          versionOf.set(id, endpoints.version);
        }
      });
      for (const text of ["a", "b", "c"]) await platform.publish(draft("ends-mix", text));
      stop();
      assert.deepEqual([...versionOf.values()], [1, 2, 3]);
    });

    it("tell every listener of every change, with the snapshot that can be read then", async () => {
      const { platform } = subject;
      const seen: (Endpoints | undefined)[] = [];
      const listener = (name: string, endpoints: Endpoints | undefined) => {
        if (name !== "ends-told") return;
        assert.equal(platform.endpoints(name), endpoints);
        seen.push(endpoints);
      };
      const stops = [platform.watch(listener), platform.watch((...args) => listener(...args))];
      await platform.publish(draft("ends-told", "one"));
      await platform.remove("ends-told");
      for (const stop of stops) stop();
      assert.deepEqual(
        seen.map((endpoints) => endpoints?.version),
        [1, 1, undefined, undefined],
      );
    });

    it("tell a listener nothing after it stopped", async () => {
      const { platform } = subject;
      let told = 0;
      const stop = platform.watch((name) => {
        if (name === "ends-stop") told++;
      });
      stop();
      stop();
      await platform.publish(draft("ends-stop", "one"));
      assert.equal(told, 0);
    });
  });
}
