import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { Problem } from "../../../platform/problems.ts";
import { MIGRATIONS } from "../../../store/sql/schema.ts";
import type { AuditEntry } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { PostgresServer, sharedPostgres } from "../../support/postgres.ts";
import { audit } from "../conformance/audit.ts";
import { bodies } from "../conformance/bodies.ts";
import { calls } from "../conformance/calls/calls.ts";
import { logs } from "../conformance/logs.ts";
import { runs } from "../conformance/runs/runs.ts";
import { timers } from "../conformance/timers.ts";
import { topics } from "../conformance/topics.ts";
import { usage } from "../conformance/usage.ts";
import { PostgresHarness } from "./open-store.ts";

const harness = new PostgresHarness();

const ENTRY: AuditEntry = {
  at: new Date(),
  by: "token",
  from: "127.0.0.1",
  action: "deploy",
  target: "hello",
  status: 201,
  detail: "",
  callId: "1",
};

describe("the store in PostgreSQL", function () {
  this.timeout(60_000);
  usage(harness);
  audit(harness);
  topics(harness);
  timers(harness);
  calls(harness);
  bodies(harness);
  runs(harness);
  logs(harness);

  describe("its database", () => {
    afterEach(() => harness.dispose());

    it("takes the beat of a worker while all other connections are busy", async () => {
      const store = await harness.open();
      await store.calls.beat("w", Date.now());
      const { Client } = (await import("pg")).default;
      const other = new Client(harness.urlOf(store));
      await other.connect();
      try {
        await other.query("BEGIN; LOCK TABLE bodies");
        const uploads = Array.from({ length: 8 }, () => store.bodies.write(Readable.from([]), 10));
        const isBusy = async () => {
          const { rows } = await other.query("SELECT 1 FROM pg_locks WHERE NOT granted");
          return rows.length >= 8;
        };
        await eventually("all wait for the lock", isBusy);
        const started = performance.now();
        assert.equal((await store.calls.beat("w", Date.now())).isHeld, true);
        assert.ok(performance.now() - started < 4_000);
        await other.query("COMMIT");
        await Promise.all(uploads);
      } finally {
        await other.end();
      }
    });

    it("is brought to the schema once, by programs that start at the same time", async () => {
      const postgres = await sharedPostgres();
      const url = await postgres.newDatabase();
      const stores = Array.from({ length: 5 }, () => harness.openAt(url));
      await Promise.all(stores.map((store) => store.audit.append(ENTRY)));
      assert.equal((await stores[0]!.audit.list({ limit: 100 })).length, 5);
      const schema = await postgres.query(new URL(url).pathname.slice(1), "SELECT * FROM skiff_schema");
      assert.deepEqual(schema, [{ version: String(MIGRATIONS.length) }]);
    });

    it("is refused when a newer Skiff wrote it, until it is an older one", async () => {
      const postgres = await sharedPostgres();
      const url = await postgres.newDatabase();
      const database = new URL(url).pathname.slice(1);
      await postgres.query(database, "CREATE TABLE skiff_schema AS SELECT 1000::bigint AS version");
      const store = harness.openAt(url);
      await assert.rejects(store.audit.append(ENTRY), {
        code: "store_unavailable",
        detail: /was written by a newer Skiff \(schema 1000\); start that version/,
      });
      await postgres.query(database, "DELETE FROM skiff_schema");
      await store.audit.append(ENTRY);
    });

    it("has a URL of PostgreSQL, or nothing starts, and the error has no password", () => {
      for (const url of ["mysql://a:s3cret@b/c", "postgres://a:s3cret@b", "s3cret", "postgres:///s3cret"]) {
        assert.throws(
          () => harness.openAt(url),
          ({ message }: Error) =>
            message.startsWith("SKIFF_STORE is not the URL of a PostgreSQL database") &&
            !message.includes("s3cret"),
        );
      }
    });

    it("that cannot be used is reported without the password", async () => {
      const postgres = await sharedPostgres();
      for (const [url, why] of [
        [postgres.urlOf("postgres", "wr0ng-password"), /password authentication failed/],
        [postgres.urlOf("absent"), /database "absent" does not exist/],
        ["postgres://postgres:wr0ng-password@127.0.0.1:1/postgres", /ECONNREFUSED/],
        ["postgres://postgres:wr0ng-password@absent.invalid/postgres", /ENOTFOUND|EAI_AGAIN/],
      ] as const) {
        const store = harness.openAt(url);
        await assert.rejects(store.audit.append(ENTRY), (error: Problem) => {
          assert.ok(error instanceof Problem, String(error));
          assert.deepEqual([error.code, error.status], ["store_unavailable", 503]);
          assert.match(error.detail, why);
          assert.doesNotMatch(error.message, /wr0ng/);
          return true;
        });
      }
    });
  });

  describe("a connection that ends", () => {
    afterEach(() => harness.dispose());

    it("while it is idle costs no request", async () => {
      const postgres = await sharedPostgres();
      const store = await harness.open();
      await Promise.all(Array.from({ length: 8 }, () => store.audit.append(ENTRY)));
      for (let round = 0; round < 5; round++) {
        await postgres.disconnectAll(harness.urlOf(store));
        await store.audit.append(ENTRY);
      }
      assert.equal((await store.audit.list({ limit: 100 })).length, 13);
    });

    it("again and again while entries are written loses none that was acknowledged, and writes none twice", async () => {
      const postgres = await sharedPostgres();
      const store = await harness.open();
      const acknowledged = new Set<string>();
      let isDone = false;
      const writer = async (name: string) => {
        for (let entry = 0; !isDone; entry++) {
          const target = `${name}-${entry}`;
          await store.audit.append({ ...ENTRY, target }).then(
            () => acknowledged.add(target),
            (error: Problem) => assert.equal(error.code, "store_unavailable"),
          );
        }
      };
      const writers = ["a", "b", "c", "d"].map(writer);
      for (let round = 0; round < 10; round++) {
        const before = acknowledged.size;
        await eventually("entries are written", () => acknowledged.size > before + 20);
        await postgres.disconnectAll(harness.urlOf(store));
      }
      isDone = true;
      await Promise.all(writers);
      const kept = (await store.audit.list({ limit: 1_000_000 })).map(({ target }) => target);
      assert.equal(new Set(kept).size, kept.length, "none is there twice");
      assert.deepEqual(
        [...acknowledged].filter((target) => !kept.includes(target)),
        [],
      );
    });
  });

  describe("a server that is away", () => {
    let postgres: PostgresServer;
    before(async () => {
      postgres = await PostgresServer.start();
    });
    after(() => postgres.close());
    afterEach(() => harness.dispose());

    it("is `store_unavailable`, and works again when it is back, with all that was acknowledged", async () => {
      const store = harness.openAt(await postgres.newDatabase());
      const batch = { source: "a", sequence: 1, minutes: [], keys: [] };
      const used = { calls: 5, errors: 0, gbSeconds: 1, bytesOut: 1 };
      const hours = [{ hour: new Date(), function: "hello", version: 1, key: "", ...used }];
      await store.usage.add([{ ...batch, hours }]);
      await store.audit.append(ENTRY);
      await postgres.pause();
      const away = { code: "store_unavailable", detail: /PostgreSQL: .*ECONNREFUSED.*Try again in 2 s/ };
      await assert.rejects(store.usage.add([{ ...batch, hours, sequence: 2 }]), away);
      await assert.rejects(store.audit.list({ limit: 1 }), away);
      await postgres.restart();
      await store.usage.add([
        { ...batch, hours },
        { ...batch, hours, sequence: 2 },
      ]);
      assert.equal((await store.usage.month(new Date())).functions.hello, 10);
      assert.equal((await store.audit.list({ limit: 10 })).length, 1);
    });

    it("at the start does not matter once it is there", async () => {
      const url = await postgres.newDatabase();
      await postgres.pause();
      const store = harness.openAt(url);
      await assert.rejects(store.audit.append(ENTRY), { code: "store_unavailable" });
      await postgres.restart();
      await store.audit.append(ENTRY);
    });
  });
});
