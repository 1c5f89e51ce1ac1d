import assert from "node:assert/strict";
import type { Endpoints } from "../../../platform/platform.ts";
import { currentOf, publish, servingOf } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function endpoints(subject: Subject): void {
  const { draft } = subject;

  describe("endpoints and watch", () => {
    it("give the ready instances with what a caller must know of the version", async () => {
      const { platform } = subject;
      await publish(platform, draft("ends", "one", { max: 5, concurrency: 3, timeoutMs: 4_000 }));
      const { versions, ...rest } = platform.endpoints("ends")!;
      assert.deepEqual(rest, { name: "ends", traffic: [{ version: 1, weight: 1 }] });
      const [{ instances, ...version } = assert.fail("no version"), ...others] = versions;
      assert.deepEqual(
        [version, others],
        [{ version: 1, max: 5, concurrency: 3, timeoutMs: 4_000, memoryMiB: 128 }, []],
      );
      assert.equal(instances.length, 1);
      assert.equal(platform.endpoints("ends-never-was"), undefined);
      const all = [...platform.allEndpoints()].filter(({ name }) => name.startsWith("ends"));
      assert.deepEqual(all, [platform.endpoints("ends")]);
    });

    it("say whether an instance takes one call in its life, and one at a time then", async () => {
      const { platform } = subject;
      await publish(platform, draft("ends-once", "one", { isolation: "call", concurrency: 5 }));
      await publish(platform, draft("ends-many", "one", { concurrency: 5 }));
      const [once, many] = ["ends-once", "ends-many"].map((name) => servingOf(platform, name)!);
      assert.deepEqual([once!.isOnce, once!.concurrency], [true, 1]);
      assert.deepEqual([many!.isOnce, many!.concurrency], [undefined, 5]);
    });

    it("have the host names of the current version, as long as there are any", async () => {
      const { platform } = subject;
      const name = "ends-hosts";
      const hosts = () => platform.endpoints(name)?.hosts;
      await publish(platform, draft(name, "one", { hosts: ["a.example.com", "b.example.com"] }));
      assert.deepEqual(hosts(), ["a.example.com", "b.example.com"]);
      assert.deepEqual((await platform.describe(name))?.settings.hosts, ["a.example.com", "b.example.com"]);
      const { version } = await platform.store(draft(name, "two", { hosts: [] }));
      assert.deepEqual(hosts(), ["a.example.com", "b.example.com"]);
      await platform.route(name, [
        { version: 1, weight: 1 },
        { version, weight: 9 },
      ]);
      assert.equal(hosts(), undefined);
      await platform.route(name, [{ version: 1, weight: 1 }]);
      assert.deepEqual(hosts(), ["a.example.com", "b.example.com"]);
      await platform.remove(name);
      assert.equal(hosts(), undefined);
    });

    it("have the times and the retries of the current version, as long as there are any", async () => {
      const { platform } = subject;
      const name = "ends-events";
      const events = () => {
        const { cron, retry } = platform.endpoints(name) ?? {};
        return [cron, retry];
      };
      const settings = {
        cron: ["0 3 * * *", "TZ=Europe/Berlin @hourly"],
        retry: { attempts: 3, on: ["5xx"] },
      };
      const { version } = await platform.store(draft(name, "one", settings));
      assert.deepEqual(events(), [undefined, settings.retry], "a function without traffic is not called");
      await platform.route(name, [{ version, weight: 1 }]);
      assert.deepEqual(events(), [settings.cron, settings.retry]);
      const described = (await platform.describe(name))!.settings;
      assert.deepEqual([described.cron, described.retry], [settings.cron, settings.retry]);
      await publish(platform, draft(name, "two", {}));
      assert.deepEqual(events(), [undefined, undefined]);
      await platform.remove(name);
    });

    it("are replaced, never changed", async () => {
      const { platform } = subject;
      await publish(platform, draft("ends-frozen", "one"));
      const before = platform.endpoints("ends-frozen")!;
      const idsOf = ({ traffic, versions }: Endpoints) =>
        JSON.stringify([traffic, versions.map((each) => [each.version, each.instances.map(({ id }) => id)])]);
      const copy = idsOf(before);
      await publish(platform, draft("ends-frozen", "two"));
      assert.notEqual(platform.endpoints("ends-frozen"), before);
      assert.equal(idsOf(before), copy);
    });

    it("never mix versions, and never give an id to two copies", async () => {
      const { platform } = subject;
      const versionOf = new Map<string, number>();
      const stop = platform.watch((name, endpoints) => {
        if (name !== "ends-mix" || !endpoints) return;
        for (const { version, instances } of endpoints.versions) {
          for (const { id } of instances) {
            assert.equal(versionOf.get(id) ?? version, version);
            versionOf.set(id, version);
          }
        }
      });
      for (const text of ["a", "b", "c"]) await publish(platform, draft("ends-mix", text));
      stop();
      assert.deepEqual([...versionOf.values()], [1, 2, 3]);
    });

    it("tell every listener of every change, with the snapshot that can be read then", async () => {
      const { platform } = subject;
      const seen: (Endpoints | undefined)[][] = [[], []];
      const stops = seen.map((changes) =>
        platform.watch((name, endpoints) => {
          if (name !== "ends-told") return;
          assert.equal(platform.endpoints(name), endpoints);
          changes.push(endpoints);
        }),
      );
      await publish(platform, draft("ends-told", "one"));
      await platform.remove("ends-told");
      for (const stop of stops) stop();
      const [one = [], other = []] = seen;
      assert.deepEqual(other, one);
      assert.equal(one.at(-1), undefined);
      assert.equal(currentOf(one.at(-2))?.version, 1);
      assert.ok(one.slice(0, -1).every((endpoints) => endpoints !== undefined));
    });

    it("tell a listener nothing after it stopped", async () => {
      const { platform } = subject;
      let told = 0;
      const stop = platform.watch((name) => {
        if (name === "ends-stop") told++;
      });
      stop();
      stop();
      await publish(platform, draft("ends-stop", "one"));
      assert.equal(told, 0);
    });
  });
}
